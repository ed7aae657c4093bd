// SPDX-License-Identifier: Apache-2.0
// German texts of devices, by the English ones.
export const ofDevices: { [english: string]: string } = {
	"Asked for its files": "Fragte nach seinen Dateien",
	Device: "Gerät",
	Devices: "Geräte",
	"Has all files": "Hat alle Dateien",
	"It is asked behind its calls": "Es wird nach seinen Gesprächen gefragt",
	"Let it look for its files": "Nach Dateien sehen lassen",
	"Registered with them": "Hat sich damit angemeldet",
	"Seen of the phone": "Vom Telefon gesehen",
	"Was asked to look again": "Wurde gebeten, nachzusehen",
	"Was let in": "Wurde eingelassen",
	"has not read them yet": "hat sie noch nicht gelesen",
	"has these settings": "hat diese Einstellungen",
};
