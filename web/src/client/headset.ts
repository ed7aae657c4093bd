// SPDX-License-Identifier: Apache-2.0
// Headsets with a call button (MED-14), by the telephony page of HID (HID Usage Tables 1.4, 11 and 14; WebHID): the button
// answers what rings, else hangs up; lights say that a call rings, is there, or is muted. A browser without WebHID has none.
import type { PhoneCall } from "./phone";

interface Item {
	isArray: boolean;
	isAbsolute: boolean;
	isRange: boolean;
	usages?: number[];
	usageMinimum?: number;
	reportSize: number;
	reportCount: number;
}
interface Report {
	reportId: number;
	items: Item[];
}
export interface Device extends EventTarget {
	productName: string;
	opened: boolean;
	collections: { usagePage: number; inputReports: Report[]; outputReports: Report[] }[];
	open(): Promise<void>;
	close(): Promise<void>;
	sendReport(id: number, octets: Uint8Array): Promise<void>;
}
interface Hid extends EventTarget {
	getDevices(): Promise<Device[]>;
	requestDevice(options: { filters: { usagePage: number }[] }): Promise<Device[]>;
}
/** One bit of a report. */
interface Bit {
	report: number;
	at: number;
	length: number; // of the report, in octets
	level: boolean; // else each 1 is a press
}
/** What a headset may do with the phone. */
export interface Held {
	state: { calls: PhoneCall[] };
	answer(id: number, video: boolean): void;
	end(id: number): void;
	mute(id: number, on: boolean): void;
}

const TELEPHONY = 0x0b;
const HOOK_SWITCH = 0x0b0020;
const PHONE_MUTE = 0x0b002f;
const LED_MUTE = 0x080009;
const LED_OFF_HOOK = 0x080017;
const LED_RING = 0x080018;

const hid = (): Hid | undefined => (navigator as Navigator & { hid?: Hid }).hid;
export const takesHeadsets = (): boolean => hid() !== undefined;
export const headsets = async (): Promise<string[]> => ((await hid()?.getDevices()) ?? []).filter(isHeadset).map((one) => one.productName);
const isHeadset = (device: Device): boolean => device.collections.some((one) => one.usagePage === TELEPHONY);

/** The browser asks which one; behind that it is there whenever it is plugged in. */
export async function askHeadset(): Promise<void> {
	const found = await hid()?.requestDevice({ filters: [{ usagePage: TELEPHONY }] });
	for (const device of found ?? []) hid()?.dispatchEvent(Object.assign(new Event("connect"), { device }));
}

/** Where the bit of a usage is, among these reports. */
export function bitOf(reports: Report[], usage: number): Bit | null {
	for (const report of reports) {
		const bits = report.items.reduce((sum, item) => sum + item.reportSize * item.reportCount, 0);
		let at = 0;
		for (const item of report.items) {
			for (let i = 0; i < item.reportCount; i++, at += item.reportSize) {
				const is = item.isRange ? (item.usageMinimum ?? 0) + i : item.usages?.[i];
				if (!item.isArray && is === usage) return { report: report.reportId, at, length: Math.ceil(bits / 8), level: item.isAbsolute };
			}
		}
	}
	return null;
}

export class Headset {
	private hook = false; // as the headset said last
	private shown = "";
	private readonly inputs: Report[];
	private readonly outputs: Report[];

	constructor(
		readonly device: Device,
		private readonly phone: Held,
	) {
		const telephony = device.collections.filter((one) => one.usagePage === TELEPHONY);
		this.inputs = telephony.flatMap((one) => one.inputReports);
		this.outputs = telephony.flatMap((one) => one.outputReports);
		device.addEventListener("inputreport", this.came);
	}

	async start(): Promise<void> {
		if (!this.device.opened) await this.device.open();
		this.show();
	}

	async stop(): Promise<void> {
		this.device.removeEventListener("inputreport", this.came);
		this.light(false, false, false);
		await this.device.close();
	}

	/** The calls have changed. */
	show(): void {
		const { calls } = this.phone.state;
		const there = calls.some((one) => !rings(one));
		const now = [there, calls.some(rings), this.speaks()?.muted ?? false] as const;
		if (now.join() === this.shown && (this.hook || !there)) return;
		this.shown = now.join();
		this.light(...now);
	}

	private speaks(): PhoneCall | undefined {
		const there = this.phone.state.calls.filter((one) => !rings(one));
		return there.find((one) => !one.held) ?? there[0];
	}

	/** The headset's button follows the light of a call. */
	private light(there: boolean, ringing: boolean, muted: boolean): void {
		const lights = new Map<number, Uint8Array>();
		for (const [usage, on] of [[LED_OFF_HOOK, there], [LED_RING, ringing], [LED_MUTE, muted]] as const) {
			const bit = bitOf(this.outputs, usage);
			if (!bit) continue;
			const octets = lights.get(bit.report) ?? new Uint8Array(bit.length);
			lights.set(bit.report, octets);
			if (on) octets[bit.at >> 3] = (octets[bit.at >> 3] ?? 0) | (1 << (bit.at & 7));
		}
		this.hook = there;
		for (const [report, octets] of lights) void this.device.sendReport(report, octets).catch(() => undefined);
	}

	private readonly came = (event: Event): void => {
		const { reportId, data } = event as Event & { reportId: number; data: DataView };
		const value = (bit: Bit | null): boolean | null => (bit?.report === reportId && bit.at >> 3 < data.byteLength ? ((data.getUint8(bit.at >> 3) >> (bit.at & 7)) & 1) === 1 : null);
		const hook = bitOf(this.inputs, HOOK_SWITCH);
		const mute = bitOf(this.inputs, PHONE_MUTE);
		const isUp = value(hook);
		const isMute = value(mute);
		const speaks = this.speaks();
		if (isUp !== null && (hook?.level ? isUp !== this.hook : isUp)) {
			if (hook?.level) this.hook = isUp;
			this.press();
		}
		if (speaks && isMute !== null && (mute?.level ? isMute !== speaks.muted : isMute)) this.phone.mute(speaks.id, mute?.level ? isMute : !speaks.muted);
	};

	private press(): void {
		const ringing = this.phone.state.calls.find(rings);
		const speaks = this.speaks();
		if (ringing) this.phone.answer(ringing.id, false);
		else if (speaks) this.phone.end(speaks.id);
		else this.light(false, false, false); // lifted for no call
	}
}

const rings = (one: PhoneCall): boolean => one.state === "ringing" && one.incoming;

/** Those that somebody has allowed, as long as there is a phone. */
export class Headsets {
	private all: Headset[] = [];

	constructor(private readonly phone: Held) {
		hid()?.addEventListener("connect", this.add);
		hid()?.addEventListener("disconnect", this.remove);
		void hid()
			?.getDevices()
			.then((found) => found.forEach((device) => this.begin(device)))
			.catch(() => undefined); // a frame that may have none
	}

	show(): void {
		this.all.forEach((one) => one.show());
	}

	/** Its speaker, by the name that both have; "": it has none, or there is no headset. */
	async output(): Promise<string> {
		const names = this.all.map((one) => one.device.productName);
		const found = names.length ? ((await navigator.mediaDevices?.enumerateDevices()) ?? []) : [];
		return found.find((one) => one.kind === "audiooutput" && names.some((name) => name && one.label.includes(name)))?.deviceId ?? "";
	}

	stop(): void {
		hid()?.removeEventListener("connect", this.add);
		hid()?.removeEventListener("disconnect", this.remove);
		this.all.forEach((one) => void one.stop().catch(() => undefined));
		this.all = [];
	}

	private begin(device: Device): void {
		if (!isHeadset(device) || this.all.some((one) => one.device === device)) return;
		const made = new Headset(device, this.phone);
		this.all.push(made);
		void made.start().catch(() => undefined); // another program has it
	}

	private readonly add = (event: Event): void => this.begin((event as Event & { device: Device }).device);
	private readonly remove = (event: Event): void => {
		const { device } = event as Event & { device: Device };
		this.all = this.all.filter((one) => one.device !== device);
	};
}
