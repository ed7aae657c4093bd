// SPDX-License-Identifier: Apache-2.0
// What a user asks first: what each page is for, which keys a keyboard has, and what to do where something does not work.
import { t } from "../i18n";
import { Card, Facts, Head, link } from "../ui";

export const HelpPage = () => (
	<>
		<Head title={t("Help")} />
		<div class="stack">
			<Card title={t("Pages")}>
				<Facts
					of={[
						[t("Home"), t("Calls of all your phones, who is parked, whom you spoke with, who is there, and your presence.")],
						[t("Voicemail"), t("Messages: play, call back, forward, delete.")],
						[t("History"), t("Calls that have ended, and your notes on them.")],
						[t("Contacts"), t("People of your company, and your own.")],
						[t("Settings"), t("How calls reach you, what callers hear, and what this browser does.")],
					]}
				/>
			</Card>
			<Card title={t("By keyboard")}>
				<Facts
					of={[
						["Ctrl K", t("Find a page or a person")],
						["Tab", t("To the next button or field")],
						[t("Enter, space"), t("Press it")],
						["Esc", t("Close what is open")],
					]}
				/>
			</Card>
			<Card title={t("When something does not work")}>
				<Facts
					of={[
						[t("You hear nothing"), t("Look at the volume at the top, and at the speaker in the settings. The browser may ask to turn sound on.")],
						[t("Nobody hears you"), t("Test the microphone in the settings. The browser must let this page use it.")],
						[t("Words are missing"), <a href={link("diagnosis")}>{t("The diagnosis shows packets that were lost, and saves all as a file for your administrator.")}</a>],
						[t("Something is refused"), t("The page says which right is missing. Your administrator gives it.")],
					]}
				/>
			</Card>
		</div>
	</>
);
