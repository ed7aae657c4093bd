// SPDX-License-Identifier: Apache-2.0
// What somebody says into the microphone of the page, as a WAV file that the node takes for a greeting.
import { microphone } from "./media";

const RATE = 8000; // as telephones speak; a minute has room in what the node takes
export const MOST_S = 60;

/** RIFF, mono, 16 bits, of samples from -1 to 1. Pure. */
export function wav(samples: Float32Array, rate: number): ArrayBuffer {
	const octets = 2 * samples.length;
	const view = new DataView(new ArrayBuffer(44 + octets));
	const words = (at: number, text: string) => [...text].forEach((one, i) => view.setUint8(at + i, one.charCodeAt(0)));
	words(0, "RIFF");
	view.setUint32(4, 36 + octets, true);
	words(8, "WAVEfmt ");
	view.setUint32(16, 16, true);
	view.setUint16(20, 1, true); // PCM
	view.setUint16(22, 1, true);
	view.setUint32(24, rate, true);
	view.setUint32(28, 2 * rate, true);
	view.setUint16(32, 2, true);
	view.setUint16(34, 16, true);
	words(36, "data");
	view.setUint32(40, octets, true);
	samples.forEach((one, i) => view.setInt16(44 + 2 * i, Math.round(32767 * Math.max(-1, Math.min(1, one))), true));
	return view.buffer as ArrayBuffer;
}

/** Any recording of the browser as such a file; resampled by the browser. */
async function asWav(recording: Blob): Promise<Blob> {
	const decoder = new OfflineAudioContext(1, 1, RATE);
	const sound = await decoder.decodeAudioData(await recording.arrayBuffer());
	return new Blob([wav(sound.getChannelData(0).subarray(0, MOST_S * RATE), RATE)], { type: "audio/wav" });
}

/** Records until the returned function is called, which has the file then. */
export async function record(): Promise<() => Promise<Blob>> {
	const stream = await navigator.mediaDevices.getUserMedia({ audio: microphone(false).mediaConstraints.audio });
	const recorder = new MediaRecorder(stream);
	const parts: Blob[] = [];
	recorder.ondataavailable = (event) => parts.push(event.data);
	const ended = new Promise<void>((done) => (recorder.onstop = () => done()));
	recorder.start();
	return async () => {
		if (recorder.state !== "inactive") recorder.stop();
		await ended;
		stream.getTracks().forEach((track) => track.stop());
		return asWav(new Blob(parts, { type: recorder.mimeType }));
	};
}
