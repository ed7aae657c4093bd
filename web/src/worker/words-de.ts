// SPDX-License-Identifier: Apache-2.0
// German texts of notices while no page is open, by the English ones: the worker has these alone.
import type { Texts } from "../i18n";

export const ofNotices: Texts = {
	"Answer": "Annehmen",
	"Call from {who}": "Anruf von {who}",
	"Message from {from}": "Nachricht von {from}",
	"Missed call from {who}": "Verpasster Anruf von {who}",
	"Reject": "Ablehnen",
	"The call could not be rejected": "Der Anruf konnte nicht abgelehnt werden",
	"The call from {who} was answered": "Der Anruf von {who} wurde angenommen",
	"unknown": "nicht genannt",
};
