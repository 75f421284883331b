/** Words in the user's language. English sentences are the keys; locales/<language>/main.json has the others. */

/** @type {Record<string, string>} */
let words = {};

/** @param {Record<string, string>} translated English to another language */
export function setWords(translated) {
  words = translated;
}

/**
 * Words of the user's language; English where there are none.
 * @param {string} language "zh" @param {() => Promise<Response>} fetchAll what ComfyUI gathers from all packs
 */
export async function loadWords(language, fetchAll) {
  if (language === "en") return;
  try {
    const all = await (await fetchAll()).json();
    setWords(all[language]?.tilewright ?? {});
  } catch (error) {
    console.warn("Tilewright stays English:", error);
  }
}

/**
 * The sentence in the user's language, `{name}` filled in; of "{count} image | {count} images" the first where the first
 * value is 1. A language without plurals gives one form.
 * @param {string} english
 * @param {Record<string, string | number>} [values]
 */
export function t(english, values = {}) {
  const sentence = Object.hasOwn(words, english) ? words[english] : english;
  const forms = sentence.split(" | ");
  const form = Number(Object.values(values)[0]) === 1 ? forms[0] : forms[forms.length - 1];
  return form.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
