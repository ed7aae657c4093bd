// SPDX-License-Identifier: Apache-2.0
// The parts that all pages are made of. Text goes in by preact alone, which escapes it.
import { type ComponentChildren, type ComponentType, type JSX, type VNode, render } from "preact";
import { useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import * as api from "./api";
import type { Row } from "./api";
import { type Wish, arrange, arrangeSlowly } from "./arrange";
import { csv, plain } from "./format";
import { keep } from "./keep";
import { type Language, language, speak, t, wantedLanguage } from "./i18n";
import "./ui.css";

/* ---- icons ---- */

const ICONS = {
	home: "M4 11l8-7 8 7v8a1 1 0 0 1-1 1h-5v-6h-4v6H5a1 1 0 0 1-1-1z",
	call: "M6 3h3l2 5-2.5 1.5a12 12 0 0 0 6 6L16 13l5 2v3a3 3 0 0 1-3 3A15 15 0 0 1 3 6a3 3 0 0 1 3-3z",
	clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.5 2",
	users: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14a6.5 6.5 0 0 1 3.5 6",
	phone: "M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2",
	trunk: "M4 8h16l-4-4M20 16H4l4 4",
	room: "M12 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM5 20a7 7 0 0 1 14 0M4.5 12a2.2 2.2 0 1 0 0-4.4M19.5 12a2.2 2.2 0 1 1 0-4.4",
	record: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
	shield: "M12 3l7 3v5c0 4.5-3 8.2-7 10-4-1.8-7-5.5-7-10V6z",
	audit: "M8 4h8v3H8zM6 5.5H5V21h14V5.5h-1M8.5 12h7M8.5 16h7",
	document: "M7 3h7l4 4v13a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM14 3v4h4",
	mail: "M4 6h16v12H4zM4 7l8 6 8-6",
	seek: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16.2 16.2L21 21",
	menu: "M4 7h16M4 12h16M4 17h16",
	sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M4.2 4.2l1.5 1.5M18.3 18.3l1.5 1.5M2 12h2M20 12h2M4.2 19.8l1.5-1.5M18.3 5.7l1.5-1.5",
	moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
	leave: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
	down: "M12 4v11M7 11l5 5 5-5M5 20h14",
	alarm: "M12 4l9 16H3zM12 10v4.5M12 17.2v.1",
	play: "M7 4.5v15l12-7.5z",
	bin: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
	plus: "M12 5v14M5 12h14",
	up: "M6 14l6-6 6 6",
	drop: "M6 10l6 6 6-6",
	gear: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.2 2.2M16.2 16.2l2.2 2.2M5.6 18.4l2.2-2.2M16.2 7.8l2.2-2.2",
	more: "M5 10.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3zM12 10.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3zM19 10.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3z",
	sound: "M4 9h4l5-4v14l-5-4H4zM16 8.5a5 5 0 0 1 0 7M18.5 6a8.5 8.5 0 0 1 0 12",
	end: "M3 14c5-5 13-5 18 0l-2.5 3-4-2v-2.5a10 10 0 0 0-5 0V15l-4 2z",
};
export type IconName = keyof typeof ICONS;

export const Icon = ({ name }: { name: IconName }) => (
	<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
		<path d={ICONS[name]} />
	</svg>
);

export const Mark = () => (
	<svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
		<rect width="32" height="32" rx="8" fill="#3b5bdb" />
		<circle cx="11" cy="16" r="5" fill="none" stroke="#fff" stroke-width="3" />
		<circle cx="21" cy="16" r="5" fill="none" stroke="#fff" stroke-width="3" />
	</svg>
);

/* ---- theme and language ---- */

const wish = matchMedia("(prefers-color-scheme: dark)");
const theme = (): string => keep.get("tandem-theme") ?? (wish.matches ? "dark" : "light");

function paint(): void {
	document.documentElement.dataset.theme = theme();
}

/** German texts are fetched by who reads them; where they do not come, the page speaks English. */
async function learn(next: Language): Promise<void> {
	keep.set("tandem-language", next);
	const learnt = next === "de" ? await import("./de").catch(() => null) : null;
	speak(learnt ? next : "en", learnt?.de);
	document.documentElement.lang = language();
}

export function Tastes() {
	const dark = theme() === "dark";
	const [, again] = useState(0);
	const german = language() === "de";
	useEffect(() => {
		const changed = () => again((n) => n + 1);
		wish.addEventListener("change", changed);
		return () => wish.removeEventListener("change", changed);
	}, []);
	return (
		<>
			<button
				class="button bare"
				aria-label={dark ? t("Light colours") : t("Dark colours")}
				title={dark ? t("Light colours") : t("Dark colours")}
				onClick={() => {
					keep.set("tandem-theme", dark ? "light" : "dark");
					paint();
					again((n) => n + 1);
				}}
			>
				<Icon name={dark ? "sun" : "moon"} />
			</button>
			<button
				class="button bare"
				lang={german ? "en" : "de"}
				title={german ? "English" : "Deutsch"}
				onClick={() => {
					void learn(german ? "en" : "de").then(mount);
				}}
			>
				<span class="hidden">{german ? "English" : "Deutsch"}</span>
				<span aria-hidden="true">{german ? "EN" : "DE"}</span>
			</button>
		</>
	);
}

/* ---- where the page is: #/calls/ID?number=1001 ---- */

export interface Place {
	path: string[];
	query: URLSearchParams;
}

const placeNow = (): Place => {
	const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
	const decode = (part: string) => {
		try {
			return decodeURIComponent(part);
		} catch {
			return part;
		}
	};
	return { path: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(query) };
};

export const link = (...path: string[]): string => `#/${path.map(encodeURIComponent).join("/")}`;

export function usePlace(): Place {
	const [place, setPlace] = useState(placeNow);
	// before the page is painted: whoever is as quick as that is followed, too
	useLayoutEffect(() => {
		const moved = () => {
			setPlace(placeNow());
			document.querySelector("main")?.focus({ preventScroll: true });
			scrollTo(0, 0);
		};
		addEventListener("hashchange", moved);
		return () => removeEventListener("hashchange", moved);
	}, []);
	return place;
}

/* ---- what the node says ---- */

export interface Asked<T> {
	value: T | null;
	error: api.Problem | null;
	again: () => void;
}

/** Asks at first, whenever `of` changes, when told so, and every `every_ms`; what is hidden asks once, and again when it is seen. */
export function useAsk<T>(what: (signal: AbortSignal) => Promise<T>, of: unknown[], every_ms = 0): Asked<T> {
	const [state, setState] = useState<{ value: T | null; error: api.Problem | null }>({ value: null, error: null });
	const [round, setRound] = useState(0);
	const key = JSON.stringify([...of, api.tenantOf()]);
	const shown = useRef(key);
	useEffect(() => {
		const stop = new AbortController();
		let timer = 0;
		let first = true;
		if (shown.current !== key) setState({ value: null, error: null });
		shown.current = key;
		const look = async () => {
			try {
				if (first || !document.hidden) {
					first = false;
					const value = await what(stop.signal);
					if (!stop.signal.aborted) setState({ value, error: null });
				}
			} catch (error) {
				if (!stop.signal.aborted && error instanceof api.Problem) setState((before) => ({ ...before, error }));
			}
			if (every_ms && !stop.signal.aborted) timer = window.setTimeout(look, every_ms);
		};
		void look();
		return () => {
			stop.abort();
			clearTimeout(timer);
		};
	}, [key, round, every_ms]);
	const again = useCallback(() => setRound((n) => n + 1), []);
	useEffect(() => {
		const seen = () => every_ms && !document.hidden && again();
		document.addEventListener("visibilitychange", seen);
		return () => document.removeEventListener("visibilitychange", seen);
	}, [every_ms]);
	return { ...state, again };
}

/** The time, every second: for how long something lasts by now. */
export function useNow(): number {
	const [now, setNow] = useState(Date.now);
	useEffect(() => {
		const timer = setInterval(() => setNow(Date.now()), 1000);
		return () => clearInterval(timer);
	}, []);
	return now;
}

/* ---- small parts ---- */

export type Tone = "" | "good" | "warn" | "bad" | "accent";

export const Badge = ({ tone = "", children }: { tone?: Tone; children: ComponentChildren }) => <span class={`badge ${tone}`}>{children}</span>;

export function Card({ title, actions, children, bare }: { title?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren; bare?: boolean }) {
	const id = useId();
	return (
		<section class="card" aria-labelledby={title ? id : undefined}>
			{title && (
				<header>
					<h2 id={id} class="grow">
						{title}
					</h2>
					{actions}
				</header>
			)}
			{bare ? children : <div class="inside">{children}</div>}
		</section>
	);
}

export const Tile = ({ label, figure, note, href }: { label: string; figure: ComponentChildren; note?: ComponentChildren; href?: string }) => {
	const inside = (
		<>
			<span class="label">{label}</span>
			<span class="figure">{figure}</span>
			{note && <span class="small muted">{note}</span>}
		</>
	);
	return href ? (
		<a class="card tile" href={href}>
			{inside}
		</a>
	) : (
		<div class="card tile">{inside}</div>
	);
};

export const Empty = ({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) => (
	<div class="empty">
		<Icon name={icon} />
		<strong>{title}</strong>
		{children && <span>{children}</span>}
	</div>
);

export const Notice = ({ tone = "", children }: { tone?: Tone; children: ComponentChildren }) => (
	<div class={`notice ${tone}`} role={tone === "bad" ? "alert" : undefined}>
		{tone && tone !== "good" && <Icon name="alarm" />}
		<div>{children}</div>
	</div>
);

export const Waits = ({ lines = 4 }: { lines?: number }) => (
	<div class="stack" aria-busy="true" aria-label={t("Loading")} role="status">
		{Array.from({ length: lines }, (_, i) => (
			<div class="skeleton" key={i} style={{ width: `${90 - 13 * (i % 4)}%` }} />
		))}
	</div>
);

/** What is wrong, in words that say what to do. */
export function Wrong({ error }: { error: api.Problem }) {
	const why =
		error.status === 403
			? t("Your rights do not allow this.")
			: error.status === 0
				? t("The node does not answer. It is tried again.")
				: error.status === 404
					? t("It is not there, or not there any more.")
					: "";
	return (
		<Notice tone={error.status === 403 || error.status === 404 ? "warn" : "bad"}>
			{why && <strong>{why} </strong>}
			{error.status !== 0 && <span lang="en">{error.message}</span>}
		</Notice>
	);
}

export const Facts = ({ of }: { of: [string, ComponentChildren][] }) => (
	<dl class="facts">
		{of
			.filter(([, value]) => value !== "" && value !== null && value !== undefined)
			.map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name}=`}>{value}</dd>])}
	</dl>
);

export function Head({ title, lead, children }: { title: ComponentChildren; lead?: ComponentChildren; children?: ComponentChildren }) {
	useEffect(() => {
		if (typeof title === "string") document.title = `${title} · tandem`;
	}, [title]);
	return (
		<div class="head">
			<div class="grow">
				<h1 class="break">{title}</h1>
				{lead && <p class="lead">{lead}</p>}
			</div>
			{children}
		</div>
	);
}

/** through: a speaker; "": the browser's choice. */
export function Audio({ src, label, through = "" }: { src: string; label: string; through?: string }) {
	const ref = useRef<HTMLAudioElement>(null);
	useEffect(() => {
		const able = ref.current as (HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> }) | null;
		if (through) void able?.setSinkId?.(through).catch(() => undefined);
	}, [through]);
	return <audio ref={ref} controls autoplay src={src} aria-label={label} />;
}

/* ---- what is said at the edge ---- */

let sayings: { id: number; text: string; bad: boolean }[] = [];
let retell: (() => void) | null = null;
let sayingId = 0;

export function say(text: string, bad = false): void {
	const saying = { id: ++sayingId, text, bad };
	sayings = [...sayings.slice(-3), saying];
	retell?.();
	setTimeout(
		() => {
			sayings = sayings.filter((one) => one !== saying);
			retell?.();
		},
		bad ? 8000 : 3500,
	);
}

export function Toasts() {
	const [, again] = useState(0);
	useEffect(() => {
		retell = () => again((n) => n + 1);
		return () => {
			retell = null;
		};
	}, []);
	return (
		<div class="toasts" role="status" aria-live="polite">
			{sayings.map((one) => (
				<div class={one.bad ? "toast bad" : "toast"} key={one.id}>
					{one.text}
				</div>
			))}
		</div>
	);
}

/** Does what was asked, and says how it went. True: it was done. */
export async function attempt(what: () => Promise<unknown>, done = ""): Promise<boolean> {
	try {
		await what();
		if (done) say(done);
		return true;
	} catch (error) {
		say(error instanceof Error ? error.message : String(error), true);
		return false;
	}
}

const RELOADED = "tandem-reloaded";
const RELOAD_MS = 60000;

const ANSWER_MS = 10000;
let hasCall = (): boolean => false;

/** What tells that a call is in this page: it is not loaded anew by itself then. */
export const tellsCall = (by: () => boolean): void => void (hasCall = by);

/**
 * Behind an upgrade of the node its parts have other names, and the page is loaded anew where the node answers. False: it does
 * not, or that was tried just now, or cannot be, or a call is here. asked: somebody wants it, whatever was tried.
 */
async function reloads(asked: boolean): Promise<boolean> {
	const answers = await fetch(location.pathname, { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) }).then((answer) => answer.ok, () => false);
	if (!answers || (!asked && hasCall())) return false;
	try {
		if (!asked && Date.now() - Number(sessionStorage.getItem(RELOADED)) < RELOAD_MS) return false;
		sessionStorage.setItem(RELOADED, String(Date.now()));
	} catch {
		if (!asked) return false; // a frame that may keep nothing
	}
	location.reload();
	return true;
}

/** A page of the pages that is fetched at its first visit. */
export function later<P extends object>(fetch: () => Promise<ComponentType<P>>): (props: P) => VNode {
	let made: ComponentType<P> | null = null;
	return (props) => {
		const [wrong, setWrong] = useState(false);
		const [, again] = useState(0);
		const get = (asked: boolean) => void fetch().then((page) => again(((made = page), 1)), () => reloads(asked).then((done) => setWrong(!done)));
		useEffect(() => {
			if (!made) get(false);
		}, []);
		const Page = made;
		if (Page) return <Page {...props} />;
		if (!wrong) return <Waits />;
		return (
			<Notice tone="bad">
				<span class="grow">{t("This page could not be fetched.")}</span>
				<button class="button slim" onClick={() => get(true)}>
					{t("Load it again")}
				</button>
			</Notice>
		);
	};
}

/* ---- dialogs ---- */

export function Dialog({ title, onClose, children, kind = "" }: { title: string; onClose: () => void; children: ComponentChildren; kind?: string }) {
	const ref = useRef<HTMLDialogElement>(null);
	useEffect(() => {
		ref.current?.showModal();
	}, []);
	return (
		<dialog
			ref={ref}
			class={kind}
			aria-label={title}
			onClose={onClose}
			onClick={(event) => {
				if (event.target === ref.current) onClose();
			}}
		>
			{children}
		</dialog>
	);
}

export function Sure({ title, children, act, onYes, onNo }: { title: string; children?: ComponentChildren; act: string; onYes: () => void; onNo: () => void }) {
	return (
		<Dialog title={title} onClose={onNo}>
			<div class="inside">
				<h2>{title}</h2>
				{children && <p class="muted">{children}</p>}
				<div class="ends">
					<button class="button" onClick={onNo}>
						{t("Cancel")}
					</button>
					<button class="button harm" onClick={onYes}>
						{act}
					</button>
				</div>
			</div>
		</Dialog>
	);
}

/* ---- tables: any number of rows, and few of them in the page ---- */

export interface Column {
	key: string;
	title: string;
	track?: string; // of the grid; 1fr
	end?: boolean; // numbers
	wide?: boolean; // not on a phone
	phone?: string; // its track there
	cell?: (row: Row) => ComponentChildren;
	value?: (row: Row) => string | number; // what it is sorted and sought by
}

interface TableProps {
	label: string;
	columns: Column[];
	rows: Row[] | null;
	error?: api.Problem | null;
	id: (row: Row) => string;
	href?: (row: Row) => string;
	empty: VNode;
	tools?: ComponentChildren;
	sort?: string; // "-KEY": the highest first
	high?: string;
	least?: string; // width; narrower pages scroll it
	file?: string; // name of its CSV
	more?: (() => void) | null; // asks for further rows
	seek?: boolean;
}

const valueOf = (column: Column, row: Row): string | number => {
	if (column.value) return column.value(row);
	const value = row[column.key];
	return typeof value === "number" ? value : plain(value);
};

export function saveFile(name: string, text: string, type: string): void {
	const anchor = document.createElement("a");
	anchor.href = URL.createObjectURL(new Blob([text], { type }));
	anchor.download = name;
	anchor.click();
	setTimeout(() => URL.revokeObjectURL(anchor.href), 10000);
}

const useNarrow = (): boolean => {
	const query = useMemo(() => matchMedia("(max-width: 820px)"), []);
	const [narrow, setNarrow] = useState(query.matches);
	useEffect(() => {
		const changed = () => setNarrow(query.matches);
		query.addEventListener("change", changed);
		return () => query.removeEventListener("change", changed);
	}, []);
	return narrow;
};

const HIDDEN = "tandem-columns";

/** Columns that somebody has hidden, by table; this browser keeps them. */
function hiddenColumns(): { [table: string]: string[] } {
	try {
		return JSON.parse(keep.get(HIDDEN) ?? "{}") as { [table: string]: string[] };
	} catch {
		return {};
	}
}

/** Which columns a table shows: all but the first one may go. */
function ColumnMenu({ of, hidden, onHide }: { of: Column[]; hidden: string[]; onHide: (keys: string[]) => void }) {
	return (
		<details class="menu">
			<summary class="button slim bare">{t("Columns")}</summary>
			<div class="card inside stack">
				{of.slice(1).map(({ key, title }) => (
					<label class="switch" key={key}>
						<input type="checkbox" role="switch" checked={!hidden.includes(key)} onChange={(event) => onHide(event.currentTarget.checked ? hidden.filter((one) => one !== key) : [...hidden, key])} />
						<span>{title}</span>
					</label>
				))}
			</div>
		</details>
	);
}

const ROW = 44;
const HIGH = 0.68; // of the window, as ui.css has it
const BEYOND = 4;

const AT_ONCE = 1000;
const RESTS_MS = 400; // between two orders of rows that come and go

/** Rows as they are sought and sorted. Of many the last order stays, until the next one is made. */
function useArranged(rows: Row[] | null, columns: Column[], sought: string, order: string): Row[] {
	const now = useRef({ rows, columns, sought, order });
	now.current = { rows, columns, sought, order };
	const [slow, setSlow] = useState<Row[] | null>(null);
	const busy = useRef(false);
	const wish = (of: typeof now.current): Wish => {
		const column = of.columns.find((one) => one.key === of.order.replace(/^-/, ""));
		return {
			words: of.sought.toLowerCase().split(/\s+/).filter(Boolean),
			textOf: (row) => of.columns.map((one) => valueOf(one, row)).join(" ").toLowerCase(),
			valueOf: column ? (row) => valueOf(column, row) : null,
			down: of.order.startsWith("-"),
		};
	};
	const few = rows === null || rows.length <= AT_ONCE;
	const quick = useMemo(() => (rows && few ? arrange(rows, wish(now.current)) : []), [rows, sought, order, columns, few]);
	const gone = useRef(false);
	useEffect(() => () => void (gone.current = true), []);
	useEffect(() => {
		if (few || busy.current) return;
		busy.current = true;
		void (async () => {
			for (let of: typeof now.current | null = null; !gone.current; ) {
				const next = now.current;
				if (of?.rows === next.rows && of?.sought === next.sought && of?.order === next.order) break;
				if (of?.sought === next.sought && of?.order === next.order) await new Promise((done) => setTimeout(done, RESTS_MS));
				of = now.current;
				const { sought, order } = of;
				const made = await arrangeSlowly(of.rows ?? [], wish(of), () => gone.current || now.current.sought !== sought || now.current.order !== order);
				if (made) setSlow(made);
				else of = null;
			}
			busy.current = false;
		})();
	}, [rows, sought, order, few]);
	return few ? quick : (slow ?? rows ?? []);
}

export function Table(props: TableProps) {
	const { rows, id, href, label } = props;
	const narrow = useNarrow();
	const file = props.file ?? label.toLowerCase();
	const [hidden, setHidden] = useState(() => hiddenColumns()[file] ?? []);
	const there = useMemo(() => props.columns.filter((column) => !narrow || !column.wide), [props.columns, narrow]);
	const columns = useMemo(() => there.filter((column, i) => !i || !hidden.includes(column.key)), [there, hidden]);
	const hide = (keys: string[]) => {
		keep.set(HIDDEN, JSON.stringify({ ...hiddenColumns(), [file]: keys }));
		setHidden(keys);
	};
	const [sought, seek] = useState("");
	const [order, setOrder] = useState(props.sort ?? "");
	const [view, setView] = useState(() => ({ top: 0, high: Math.ceil(HIGH * innerHeight) }));
	const scroll = useRef<HTMLDivElement>(null);
	const shown = useArranged(rows, props.columns, sought, order);
	useLayoutEffect(() => {
		const box = scroll.current;
		if (!box) return;
		// what it is high is told behind the layout: to ask here would lay all out at once
		let high = 0;
		const look = () => {
			const next = { top: Math.floor(box.scrollTop / ROW) * ROW, high };
			setView((before) => (before.top === next.top && before.high === next.high ? before : next)); // within a row nothing is drawn anew
		};
		const sizes = new ResizeObserver(([entry]) => {
			high = Math.ceil(entry?.contentRect.height ?? 0);
			look();
		});
		sizes.observe(box);
		box.addEventListener("scroll", look, { passive: true });
		return () => {
			sizes.disconnect();
			box.removeEventListener("scroll", look);
		};
	}, [rows === null]);
	const first = Math.max(0, Math.min(Math.floor(view.top / ROW) - BEYOND, shown.length - 1));
	const last = Math.min(shown.length, first + Math.ceil(view.high / ROW) + 2 * BEYOND);
	const tracks = columns.map((column) => (!narrow && column.track ? column.track : narrow && column.phone ? column.phone : column.end ? "minmax(0, .6fr)" : "minmax(0, 1fr)")).join(" ");
	const by = order.replace(/^-/, "");
	return (
		<div class="card">
			<div class="tools">
				{props.seek !== false && (
					<label class="seek-box">
						<span class="hidden">{t("Filter {what}", { what: label })}</span>
						<Icon name="seek" />
						<input class="input" type="search" placeholder={t("Filter")} value={sought} onInput={(event) => seek(event.currentTarget.value)} />
					</label>
				)}
				{props.tools}
				<span class="grow" />
				<span class="count" role="status">
					{rows && (shown.length === rows.length ? rows.length.toLocaleString(language()) : `${shown.length.toLocaleString(language())} / ${rows.length.toLocaleString(language())}`)}
				</span>
				{there.length > 2 && <ColumnMenu of={there} hidden={hidden} onHide={hide} />}
				<button
					class="button slim bare"
					disabled={!shown.length}
					onClick={() => saveFile(`${file}.csv`, csv([...new Set(shown.flatMap(Object.keys))], shown), "text/csv")}
				>
					<Icon name="down" /> CSV
				</button>
			</div>
			{props.error && (
				<div class="inside">
					<Wrong error={props.error} />
				</div>
			)}
			{!rows && !props.error && (
				<div class="inside">
					<Waits />
				</div>
			)}
			{rows && !shown.length && (rows.length ? <Empty icon="seek" title={t("Nothing matches the filter")} /> : props.empty)}
			{rows && shown.length > 0 && (
				<div class="table" role="table" aria-label={label} aria-rowcount={shown.length + 1} style={{ "--tracks": tracks, "--high": props.high, "--least": props.least } as JSX.CSSProperties}>
					<div role="rowgroup">
						<div class="line titles" role="row" aria-rowindex={1}>
							{columns.map((column) => (
								<div role="columnheader" key={column.key} class={column.end ? "end" : ""} aria-sort={by !== column.key ? "none" : order.startsWith("-") ? "descending" : "ascending"}>
									<button onClick={() => setOrder(by === column.key && !order.startsWith("-") ? `-${column.key}` : column.key)}>
										<span class="cut">{column.title}</span>
										{by === column.key && <span aria-hidden="true">{order.startsWith("-") ? "↓" : "↑"}</span>}
									</button>
								</div>
							))}
						</div>
					</div>
					<div class="scroll" ref={scroll} tabIndex={0} role="rowgroup" aria-label={label}>
						<div class="space" role="presentation" style={{ height: `${shown.length * ROW}px` }}>
							<div class="window" role="presentation" style={{ top: `${first * ROW}px` }}>
								{shown.slice(first, last).map((row, i) => {
									const to = href?.(row);
									return (
										<div
											class={to ? "line link" : "line"}
											role="row"
											aria-rowindex={first + i + 2}
											key={id(row)}
											data-row={id(row)}
											onClick={(event) => {
												if (to && !(event.target as Element).closest("a, button, audio")) location.href = to;
											}}
										>
											{columns.map((column, n) => {
												const inside = column.cell ? column.cell(row) : valueOf(column, row);
												return (
													<div role="cell" key={column.key} class={column.end ? "end" : ""}>
														{n === 0 && to ? <a href={to}>{inside}</a> : inside}
													</div>
												);
											})}
										</div>
									);
								})}
							</div>
						</div>
					</div>
				</div>
			)}
			{props.more && (
				<div class="bar">
					<button class="button" onClick={props.more}>
						{t("Show more")}
					</button>
				</div>
			)}
		</div>
	);
}

/* ---- a line over time ---- */

/** high: the top of its scale; else what the points need. */
export function Chart({ points, label, high = 0 }: { points: number[]; label: string; high?: number }) {
	const most = high || 2 * Math.ceil(Math.max(4, ...points) / 2);
	const line = points.length === 1 ? [...points, ...points] : points;
	const at = line.map((value, i): [number, number] => [(i * 600) / Math.max(1, line.length - 1), 148 - (value / most) * 140]);
	const curve = at.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
	return (
		<div class="scaled">
			<span class="small muted num" aria-hidden="true">
				{[most, most / 2, 0].map((value) => (
					<span key={value}>{value.toLocaleString(language())}</span>
				))}
			</span>
			<svg class="chart" viewBox="0 0 600 150" preserveAspectRatio="none" role="img" aria-label={label}>
				{[8, 78, 148].map((y) => (
					<path class="grid" key={y} d={`M0 ${y}H600`} />
				))}
				{at.length > 1 && <path class="area" d={`${curve}L600 148L0 148Z`} />}
				<path class="curve" d={curve} />
			</svg>
		</div>
	);
}

/* ---- the frame of all pages ---- */

export interface Entry {
	path: string; // "": the first page
	title: string;
	icon: IconName;
	count?: number;
}
export interface Group {
	title: string;
	entries: Entry[];
}

export interface Finding {
	title: string;
	note: string;
	href: string;
	icon: IconName;
}

function Palette({ groups, find, onClose }: { groups: Group[]; find: () => Promise<Finding[]>; onClose: () => void }) {
	const [sought, seek] = useState("");
	const [at, setAt] = useState(0);
	const found = useAsk(find, []);
	const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
	const pages = groups.flatMap((group) => group.entries.map((entry): Finding => ({ title: entry.title, note: t("Page"), href: `#/${entry.path}`, icon: entry.icon })));
	const direct: Finding[] = /^[0-9a-v]{13}$/.test(sought.trim()) ? [{ title: sought.trim(), note: t("Call"), href: link("calls", sought.trim()), icon: "call" }] : [];
	const all = [...direct, ...pages, ...(found.value ?? [])].filter((one) => words.every((word) => `${one.title} ${one.note}`.toLowerCase().includes(word))).slice(0, 40);
	const go = (one: Finding | undefined) => {
		if (!one) return;
		onClose();
		location.href = one.href;
	};
	return (
		<Dialog title={t("Search")} onClose={onClose} kind="palette">
			<input
				role="combobox"
				aria-expanded="true"
				aria-controls="found"
				aria-activedescendant={all[at] ? `found-${at}` : undefined}
				aria-label={t("Search")}
				placeholder={t("Pages, extensions, calls, trunks")}
				value={sought}
				autofocus
				onInput={(event) => {
					seek(event.currentTarget.value);
					setAt(0);
				}}
				onKeyDown={(event) => {
					const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
					if (step) {
						event.preventDefault();
						const next = Math.max(0, Math.min(all.length - 1, at + step));
						setAt(next);
						document.getElementById(`found-${next}`)?.scrollIntoView({ block: "nearest" });
					} else if (event.key === "Enter") {
						go(all[at]);
					}
				}}
			/>
			<ul id="found" role="listbox" aria-label={t("Search")}>
				{all.map((one, i) => (
					<li id={`found-${i}`} key={one.href} role="option" aria-selected={i === at} onClick={() => go(one)} onMouseMove={() => setAt(i)}>
						<Icon name={one.icon} />
						<span class="cut">{one.title}</span>
						<span class="muted">{one.note}</span>
					</li>
				))}
			</ul>
			{!all.length && <Empty icon="seek" title={t("Nothing was found")} />}
		</Dialog>
	);
}

/** account: who is signed in; without it, the name of the token. */
export function Shell({ groups, find, extra, account, children }: { groups: Group[]; find: () => Promise<Finding[]>; extra?: ComponentChildren; account?: ComponentChildren; children: ComponentChildren }) {
	const [open, setOpen] = useState(false);
	const [seeks, setSeeks] = useState(false);
	const place = usePlace();
	const here = place.path[0] ?? "";
	useEffect(() => setOpen(false), [place]);
	useEffect(() => {
		const pressed = (event: KeyboardEvent) => {
			if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
				event.preventDefault();
				setSeeks(true);
			} else if (event.key === "Escape") {
				setOpen(false);
			}
		};
		addEventListener("keydown", pressed);
		return () => removeEventListener("keydown", pressed);
	}, []);
	const who = api.signedIn();
	return (
		<div class="shell">
			<nav class={open ? "side open" : "side"} aria-label={t("Pages")}>
				<a class="brand" href="#/">
					<Mark /> tandem
				</a>
				{groups.map((group) => [
					group.title && <h3 key={group.title}>{group.title}</h3>,
					...group.entries.map((entry) => (
						<a class="place" key={entry.path} href={`#/${entry.path}`} aria-current={(entry.path.split("/")[0] ?? "") === here ? "page" : undefined}>
							<Icon name={entry.icon} />
							<span>{entry.title}</span>
							{entry.count ? <span class="count">{entry.count}</span> : null}
						</a>
					)),
				])}
			</nav>
			{open && <button class="veil" aria-label={t("Close")} onClick={() => setOpen(false)} />}
			<div class="body">
				<header class="top">
					<button class="button bare menu-button" aria-label={t("Pages")} aria-expanded={open} onClick={() => setOpen(!open)}>
						<Icon name="menu" />
					</button>
					<button class="seek" onClick={() => setSeeks(true)}>
						<Icon name="seek" />
						<span>{t("Search")}</span>
						<kbd aria-hidden="true">Ctrl K</kbd>
					</button>
					<span class="grow" />
					{extra}
					<Tastes />
					{account ?? <span class="small muted wide-only cut">{who?.user || who?.name}</span>}
					<button class="button bare" aria-label={t("Sign out")} title={t("Sign out")} onClick={() => api.signOut(true)}>
						<Icon name="leave" />
					</button>
				</header>
				<main tabIndex={-1}>{children}</main>
			</div>
			{seeks && <Palette groups={groups} find={find} onClose={() => setSeeks(false)} />}
			<Toasts />
		</div>
	);
}

export function Gate({ children, lead }: { children: ComponentChildren; lead: string }) {
	return (
		<div class="gate">
			<main>
				<div class="brand">
					<Mark /> tandem
				</div>
				<div class="card">
					<div>
						<h1>{t("Sign in")}</h1>
						<p class="muted">{lead}</p>
					</div>
					{children}
				</div>
				<div class="foot">
					<Tastes />
				</div>
			</main>
		</div>
	);
}

let mount = (): void => undefined;
const LEARN_MS = 2000; // longer it does not wait for its language, which it takes as soon as that is there

/** Shows the page, and shows it anew when its language or whoever has signed in changes. */
export function start(page: () => VNode): void {
	const root = document.getElementById("page");
	if (!root) return;
	let round = 0;
	const draw = () => render(<div key={round}>{page()}</div>, root);
	mount = () => {
		round++;
		draw();
	};
	paint();
	wish.addEventListener("change", paint);
	const timer = setTimeout(draw, LEARN_MS);
	void learn(wantedLanguage()).then(() => {
		clearTimeout(timer);
		draw();
	});
}
