// SPDX-License-Identifier: Apache-2.0
// Things of a page that are dragged onto others. Each place where one is dropped has a button that does the same: touch and keys
// have nothing to drag.
import { useLayoutEffect, useState } from "preact/hooks";

export interface Dragged {
	transfer?: (to: string) => void; // a call that is connected
	answer?: () => void; // one that rings
	person?: string; // the number of somebody
}

let held: Dragged | null = null;
const listeners = new Set<() => void>();
const hold = (next: Dragged | null): void => {
	held = next;
	listeners.forEach((listener) => listener());
};

/** What is dragged by now; null: nothing. */
export function useDragged(): Dragged | null {
	const [, again] = useState(0);
	useLayoutEffect(() => {
		const listener = () => again((n) => n + 1);
		listeners.add(listener);
		return () => void listeners.delete(listener);
	}, []);
	return held;
}

/** Of what can be dragged. Links and buttons in it stay what they are. */
export const drags = (what: Dragged, words: string) => ({
	draggable: true,
	onDragStart: (event: DragEvent) => {
		event.dataTransfer?.setData("text/plain", words); // browsers drag nothing without
		setTimeout(() => hold(what)); // the page may change under it then, not before
	},
	onDragEnd: () => hold(null),
});

/** Of where it is dropped; of: what is dragged. takes: what becomes of it, or nothing where it is not wanted here. */
export const drops = (of: Dragged | null, takes: (of: Dragged) => (() => void) | undefined) => {
	const taken = of ? takes(of) : undefined;
	return {
		"data-drop": taken ? "" : undefined,
		onDragOver: (event: DragEvent) => taken && event.preventDefault(),
		onDrop: (event: DragEvent) => {
			if (!taken) return;
			event.preventDefault();
			hold(null);
			taken();
		},
	};
};
