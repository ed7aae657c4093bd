// SPDX-License-Identifier: Apache-2.0
// The style page: every part that pages are made of, in each of its states.
import { useState } from "preact/hooks";
import { Problem, type Row } from "../api";
import { Field } from "../field";
import { t } from "../i18n";
import { Badge, Card, Chart, Dialog, Empty, Facts, Head, Icon, Notice, Sure, Table, Tastes, Tile, Toasts, Waits, Wrong, say, start } from "../ui";

const rows: Row[] = Array.from({ length: 10000 }, (_, i) => ({ number: String(1000 + i), name: `<b>Name ${i}</b>`, calls: (i * 7919) % 100 }));

function Style() {
	const [asks, setAsks] = useState("");
	const [value, setValue] = useState<Row>({ on: true, word: "two", count: 5 });
	const set = (name: string) => (next: Row[string]) => setValue({ ...value, [name]: next });
	return (
		<main>
			<Head title={t("Style")} lead={t("All parts that the pages are made of.")}>
				<Tastes />
			</Head>
			<div class="stack">
				<Card title={t("Buttons")}>
					<div class="row">
						<button class="button first">{t("Save")}</button>
						<button class="button">{t("Cancel")}</button>
						<button class="button harm" onClick={() => setAsks("sure")}>
							<Icon name="bin" /> {t("Delete")}
						</button>
						<button class="button" disabled>
							{t("Save")}
						</button>
						<button class="button slim" onClick={() => setAsks("dialog")}>
							{t("Show")}
						</button>
						<button class="button bare" onClick={() => say(t("Saved"))}>
							{t("Close")}
						</button>
					</div>
				</Card>
				<Card title={t("State")}>
					<div class="row">
						<Badge>{t("Idle")}</Badge>
						<Badge tone="accent">{t("Ringing")}</Badge>
						<Badge tone="good">{t("Connected")}</Badge>
						<Badge tone="warn">{t("On hold")}</Badge>
						<Badge tone="bad">{t("Failed")}</Badge>
					</div>
				</Card>
				<div class="tiles">
					<Tile label={t("Live calls")} figure="1,204" note={t("of at most {n}", { n: 4000 })} href="#/" />
					<Tile label={t("Answered of them")} figure="87 %" />
				</div>
				<div class="columns">
					<Card title={t("Notices")}>
						<div class="stack">
							<Notice>{t("No changes")}</Notice>
							<Notice tone="good">{t("The node is healthy")}</Notice>
							<Notice tone="warn">{t("The node is healthy, with a warning")}</Notice>
							<Wrong error={new Problem(0, "", "")} />
							<Wrong error={new Problem(403, "not_allowed", "it takes the role operator")} />
						</div>
					</Card>
					<Card title={t("Details")}>
						<Facts of={[[t("Node"), "n1"], [t("Address"), <span class="mono">192.0.2.1:5060</span>], [t("Version"), "0.1.0"]]} />
					</Card>
					<Card title={t("Loading")}>
						<Waits />
					</Card>
					<Card title={t("Empty")}>
						<Empty icon="call" title={t("No live calls")}>
							{t("A call appears here as soon as it begins.")}
						</Empty>
					</Card>
					<Card title={t("Chart")}>
						<Chart points={[2, 4, 3, 6, 8, 7, 9, 12, 11, 10, 14]} label={t("Chart")} />
					</Card>
					<Card title={t("Fields")}>
						<div class="stack">
							<Field name="display_name" of={{ type: "string", description: "A text." }} value={value.text} onChange={set("text")} />
							<Field name="count" of={{ type: "integer", minimum: 0, maximum: 9, description: "A number." }} value={value.count} onChange={set("count")} wrong="At most 4." />
							<Field name="word" of={{ type: "string", enum: ["one", "two"], description: "A word." }} value={value.word} onChange={set("word")} changed />
							<Field name="on" of={{ type: "boolean", description: "A switch." }} value={value.on} onChange={set("on")} />
						</div>
					</Card>
				</div>
				<Table
					label={t("Table")}
					columns={[
						{ key: "number", title: t("Number") },
						{ key: "name", title: t("Name") },
						{ key: "calls", title: t("Live calls"), end: true },
					]}
					rows={rows}
					id={(row) => String(row.number)}
					high="400px"
					empty={<Empty icon="seek" title={t("Nothing was found")} />}
				/>
			</div>
			{asks === "sure" && (
				<Sure title={t("Delete {what}?", { what: "1001" })} act={t("Delete")} onYes={() => setAsks("")} onNo={() => setAsks("")}>
					{t("The audit keeps what it was.")}
				</Sure>
			)}
			{asks === "dialog" && (
				<Dialog title={t("Details")} onClose={() => setAsks("")}>
					<div class="inside">
						<h2>{t("Details")}</h2>
					</div>
				</Dialog>
			)}
			<Toasts />
		</main>
	);
}

start(() => <Style />);
