// SPDX-License-Identifier: Apache-2.0
// What the browser keeps for a page. In a frame of another host that is a cookie of that host and this one alone (CHIPS), as
// browsers refuse frames all else; where nothing may be kept, it lasts as long as the page.

const memory = new Map<string, string>();
const DAY_S = 86400;
const COOKIE_MAX = 3800; // octets that browsers take of one

const cookies = {
	getItem: (name: string): string | null => {
		const found = document.cookie.split("; ").find((one) => one.startsWith(`${name}=`));
		return found ? decodeURIComponent(found.slice(name.length + 1)) : (memory.get(name) ?? null);
	},
	setItem: (name: string, value: string, days: number): void => {
		const written = encodeURIComponent(value);
		memory.set(name, value);
		if (written.length <= COOKIE_MAX) document.cookie = `${name}=${written}; Path=${location.pathname}; Max-Age=${days * DAY_S}; Secure; SameSite=None; Partitioned`;
	},
	removeItem: (name: string): void => {
		memory.delete(name);
		document.cookie = `${name}=; Path=${location.pathname}; Max-Age=0; Secure; SameSite=None; Partitioned`;
	},
};

export const framed = (): boolean => typeof window !== "undefined" && window.parent !== window;

const place = (): Pick<typeof cookies, "getItem" | "removeItem"> & { setItem: (name: string, value: string, days: number) => void } => (framed() ? cookies : localStorage);

export const keep = {
	get: (name: string): string | null => {
		try {
			return place().getItem(name);
		} catch {
			return memory.get(name) ?? null;
		}
	},
	/** days: so long it stays in a frame. */
	set: (name: string, value: string, days = 1): void => {
		try {
			place().setItem(name, value, days);
		} catch {
			memory.set(name, value);
		}
	},
	drop: (name: string): void => {
		memory.delete(name);
		try {
			place().removeItem(name);
		} catch {
			// nothing was kept
		}
	},
};
