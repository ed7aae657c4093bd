// SPDX-License-Identifier: Apache-2.0
// SIP messages of the phone in this page, for whoever looks why a call was bad. They are kept as long as the page.
/** The newest is the last. */
export interface Logged {
	utc_ms: number;
	sent: boolean;
	message: string;
}
export const log: Logged[] = [];
const LOG_MOST = 300;

function note(sent: boolean, message: unknown): void {
	if (typeof message !== "string" || !message.trim()) return;
	log.push({ utc_ms: Date.now(), sent, message: message.replace(/^((?:Proxy-)?Authorization:).*$/gim, "$1 …") });
	if (log.length > LOG_MOST) log.shift();
}

interface Socket {
	send(message: never): boolean;
}

/** Whatever passes through that connection is kept. */
export function logged<T extends Socket>(socket: T): T {
	const send = socket.send.bind(socket);
	let hears: ((message: unknown) => void) | undefined;
	socket.send = (message: never) => (note(true, message), send(message));
	Object.defineProperty(socket, "ondata", {
		get: () => hears,
		set: (next: (message: unknown) => void) => (hears = (message) => (note(false, message), next(message))),
	});
	return socket;
}
