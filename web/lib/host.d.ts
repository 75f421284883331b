/** The two modules that the frontend serves to extensions. */
declare module "*/scripts/app.js" {
  export const app: import("./frontend").ComfyApp;
}
declare module "*/scripts/api.js" {
  export const api: import("./frontend").ComfyApi;
}
