// SPDX-License-Identifier: Apache-2.0
// German texts of the console's pages that have a file of their own, by the English ones.
export const deConsole: { [english: string]: string } = {
	Overviews: "Übersichten",
	Seats: "Lizenzen",
	"Kinds that are counted are needed: without one, a phone or a log-in is refused. An operator says how many there are.": "Was gezählt wird, ist nötig: ohne Lizenz wird ein Telefon oder eine Anmeldung abgewiesen. Wie viele es gibt, sagt ein Betreiber.",
	"How many": "Wie viele",
	"Given to": "Vergeben an",
	"Web client": "Web-Client",
	"Web client, by session": "Web-Client, je Sitzung",
	"Phone in the browser": "Telefon im Browser",
	"Features of phones": "Funktionen am Telefon",
	Recording: "Aufzeichnung",
	"{n} of {all}": "{n} von {all}",
	"{n} left": "{n} frei",
	"none left": "keine frei",
	"not counted": "nicht gezählt",
	"Seat is given": "Lizenz ist vergeben",
	"Seat is taken away": "Lizenz ist entzogen",
};
