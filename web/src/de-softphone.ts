// SPDX-License-Identifier: Apache-2.0
// German texts of the softphone in a CRM.
export const ofSoftphone: { [english: string]: string } = {
	Softphone: "Softphone",
	"Who calls": "Wer anruft",
	"Several records have {value}": "Mehrere Datensätze haben {value}",
	"No record has {value}": "Kein Datensatz hat {value}",
	"New record": "Neuer Datensatz",
	Host: "Host",
	"In the CRM": "Im CRM",
	"Number to call": "Nummer, die angerufen wird",
	"Sign-in address: your extension": "Anmeldeadresse: Ihre Nebenstelle",
};
