// SPDX-License-Identifier: Apache-2.0
// Pages of the console that have a file of their own: the console has them from this list.
import { type VNode } from "preact";
import * as api from "../api";
import { t } from "../i18n";
import { type IconName } from "../ui";
import { HistoryPage } from "./history";
import { LogsOfPage, LogsPage } from "./logs";
import { CapacityPage, NodeSettingsPage, NumberTablePage } from "./overviews";
import { QueueNowPage, QueuesNowPage } from "./queues";
import { SeatsPage } from "./seats";
import { SyncsPage } from "../syncs";

interface Extra {
	path: string;
	title: string;
	icon: IconName;
	operator?: boolean;
	hidden?: boolean; // others lead there
	page: (of: string[]) => VNode;
}

const all = (): Extra[] => [
	{ path: "wallboard", title: t("Queues now"), icon: "users", page: ([name = ""]) => (name ? <QueueNowPage key={name} name={name} /> : <QueuesNowPage />) },
	{ path: "table", title: t("Number table"), icon: "document", page: () => <NumberTablePage /> },
	{ path: "seats", title: t("Seats"), icon: "users", page: () => <SeatsPage /> },
	{ path: "crm-logs", title: t("Logs in the CRM"), icon: "document", page: ([user = ""]) => (user ? <LogsOfPage key={user} user={user} /> : <LogsPage />) },
	{ path: "sync-runs", title: t("Contact syncs now"), icon: "users", page: () => <SyncsPage /> },
	{ path: "capacity", title: t("Capacity"), icon: "gear", operator: true, page: () => <CapacityPage /> },
	{ path: "node-settings", title: t("Settings of nodes"), icon: "gear", operator: true, page: () => <NodeSettingsPage /> },
	{ path: "history", title: t("History"), icon: "clock", hidden: true, page: ([path = "", name = ""]) => <HistoryPage key={`${path}/${name}`} path={path} name={name} /> },
];

export const extras = (): Extra[] => all().filter((one) => !one.operator || api.isOperator());
