// SPDX-License-Identifier: Apache-2.0
// Texts: the English one is the key. German ones are learnt where somebody reads German (de.ts, by ui.tsx).
import { keep } from "./keep";

export type Language = "en" | "de";
export type Texts = { [english: string]: string };

const kept = keep.get("tandem-language");
const wanted: Language = kept === "de" || kept === "en" ? kept : navigator.language.startsWith("de") ? "de" : "en";
let current: Language = "en";
let texts: Texts = {};

/** What somebody has chosen, or else his browser. */
export const wantedLanguage = (): Language => wanted;
export const language = (): Language => current;

/** From now on t() says it so. */
export function speak(next: Language, learnt: Texts = {}): void {
	current = next;
	texts = learnt;
}

/** The text in the language of the page; {name} stands for what is given under that name. */
export function t(english: string, given: { [name: string]: string | number } = {}): string {
	return (texts[english] ?? english).replace(/\{(\w+)\}/g, (all, name: string) => String(given[name] ?? all));
}
