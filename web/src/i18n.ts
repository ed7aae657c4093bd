// SPDX-License-Identifier: Apache-2.0
// Texts: the English one is the key, and de.ts has the German one.
import { de } from "./de";
import { keep } from "./keep";

export type Language = "en" | "de";

const kept = keep.get("tandem-language");
let current: Language = kept === "de" || kept === "en" ? kept : navigator.language.startsWith("de") ? "de" : "en";

export const language = (): Language => current;

export function speak(next: Language): void {
	current = next;
	keep.set("tandem-language", next);
	document.documentElement.lang = next;
}

/** The text in the language of the page; {name} stands for what is given under that name. */
export function t(english: string, given: { [name: string]: string | number } = {}): string {
	const text = current === "de" ? (de[english] ?? english) : english;
	return text.replace(/\{(\w+)\}/g, (all, name: string) => String(given[name] ?? all));
}
