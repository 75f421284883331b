/**
 * Lists the pack's templates by the numbers in their titles. The server names them in the order of the file system, and
 * so the template browser would begin anywhere.
 */
import { api } from "../../scripts/api.js";

const PACK = decodeURIComponent(new URL(import.meta.url).pathname.split("/").at(-2) ?? ""); // the folder's own name

const listed = api.getWorkflowTemplates?.bind(api);
if (listed)
  api.getWorkflowTemplates = async () => {
    const templates = await listed();
    templates[PACK]?.sort();
    return templates;
  };
