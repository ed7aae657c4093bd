// SPDX-License-Identifier: Apache-2.0
// Pages of the console that have a file of their own: the console has them from this list.
import { type VNode } from "preact";
import * as api from "../api";
import { t } from "../i18n";
import { type IconName } from "../ui";
import { SeatsPage } from "./seats";

interface Extra {
	path: string;
	title: string;
	icon: IconName;
	operator?: boolean;
	page: (of: string[]) => VNode;
}

const all = (): Extra[] => [{ path: "seats", title: t("Seats"), icon: "users", page: () => <SeatsPage /> }];

export const extras = (): Extra[] => all().filter((one) => !one.operator || api.isOperator());
