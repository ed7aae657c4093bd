// SPDX-License-Identifier: Apache-2.0
// Pictures of people: shown where they are JPEG or PNG and no link, which would tell its server who looks; made small before they leave the browser.
import * as api from "../api";
import { text, type Row } from "../api";
import { t } from "../i18n";
import { Card, attempt, useAsk } from "../ui";

const SIDE = 256; // pixels

async function shrunk(file: Blob): Promise<string> {
	const image = await createImageBitmap(file);
	const scale = Math.min(1, SIDE / Math.max(image.width, image.height));
	const canvas = document.createElement("canvas");
	canvas.width = Math.max(1, Math.round(image.width * scale));
	canvas.height = Math.max(1, Math.round(image.height * scale));
	canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
	image.close();
	return canvas.toDataURL("image/jpeg", 0.85);
}

export function Picture({ photo, of }: { photo: string; of: string }) {
	return /^data:image\/(jpeg|png);base64,[A-Za-z0-9+/]+=*$/.test(photo) ? <img class="portrait" src={photo} alt={t("Picture of {of}", { of })} /> : null;
}

/** photo: "" where there is none. */
export function PictureField({ photo, of, onChange }: { photo: string; of: string; onChange: (photo: string) => void }) {
	const choose = (file?: Blob) => void (file && attempt(() => shrunk(file).then(onChange)));
	return (
		<div class="field">
			<label for="picture">{t("Picture")}</label>
			<Picture photo={photo} of={of} />
			<div class="row">
				<input id="picture" type="file" accept="image/*" onChange={(event) => choose(event.currentTarget.files?.[0])} />
				{photo && (
					<button type="button" class="button slim" onClick={() => onChange("")}>
						{t("Remove")}
					</button>
				)}
			</div>
		</div>
	);
}

/** The picture of an extension; "" where it has none, or is not shown. */
export function usePicture(of: string): { photo: string; again: () => void } {
	const asked = useAsk((signal) => api.get(`/v1/picture/${encodeURIComponent(of)}`, {}, { signal }).catch((): Row => ({})), [of]);
	return { photo: text(asked.value, "photo"), again: asked.again };
}

/** One's own, which colleagues see. */
export function OwnPicture({ of }: { of: string }) {
	const { photo, again } = usePicture(of);
	const path = `/v1/picture/${encodeURIComponent(of)}`;
	const change = (given: string) =>
		void attempt(() => api.ask(path, given ? { method: "PATCH", body: { photo: given } } : { method: "DELETE" }), t("Saved")).then((ok) => ok && again());
	return (
		<Card title={t("What colleagues see")}>
			<PictureField photo={photo} of={of} onChange={change} />
		</Card>
	);
}
