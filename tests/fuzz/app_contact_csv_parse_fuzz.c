/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of contacts with rows. Oracle: what is read is written with headings of our own, and read from there as the same; no cell that is written begins
 * as a formula; what Google's and Outlook's headings have room for is read with the same name.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/archive/contact/contact.h"
#include "base/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_ROOM = 1 << 16 };

static void no_formulas(struct bytes text)
{
	char *room = malloc(text.n + 1);
	bool last;

	assert(room);
	while (text.n) {
		struct writer w = writer_over(room, text.n + 1);

		assert(!csv_cell_read(&text, &w, &last));
		assert(!w.n || !strchr("=@\t\r", room[0]) || !room[0]);
		assert(!w.n || (room[0] != '+' && room[0] != '-') ||
		       strspn(room + 1, "0123456789 -/().") >= w.n - 1);
	}
	free(room);
}

static void again(const json_t *contact, enum contact_csv form)
{
	char *room = malloc(FILE_ROOM), why[SQL_WHY_MAX] = "";
	struct writer w = writer_over(room, FILE_ROOM);
	struct csv_reader r;
	json_t *same = NULL;
	uint32_t left;

	csv_heading_write(&w, form);
	left = csv_write(&w, contact, form, "");
	assert(!w.overflow && (form != CONTACT_CSV_OWN || !left));
	no_formulas(writer_done(&w));
	assert(!csv_open(&r, writer_done(&w), why));
	assert(!r.unknown[0]);
	if (form == CONTACT_CSV_OWN) {
		assert(!csv_read(&r, &same, why) && same && json_equal(same, contact));
		json_decref(same);
	} else {
		while (!csv_read(&r, &same, why) && same)
			json_decref(same);
	}
	csv_close(&r);
	free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[SQL_WHY_MAX] = "";
	struct csv_reader r;
	json_t *contact = NULL;
	int err = csv_open(&r, bytes_mem(data, size), why);

	while (!err || (err == -EBADMSG && r.rest.n)) {
		err = csv_read(&r, &contact, why);
		if (!err && !contact)
			break;
		if (!err) {
			assert(contact_text(contact, "name")[0]);
			again(contact, CONTACT_CSV_OWN);
			again(contact, CONTACT_CSV_GOOGLE);
			again(contact, CONTACT_CSV_OUTLOOK);
			json_decref(contact);
		}
	}
	csv_close(&r);
	return 0;
}
