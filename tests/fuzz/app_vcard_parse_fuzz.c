/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of vCards. Oracle: what is read is written as version 3 and 4, and read from there as the same, with nothing wrong; written once more it is the
 * same octets; no line has more than 75.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/archive/contact/contact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CARD_ROOM = 1 << 18 };

static void lines_are_short(struct bytes text)
{
	struct bytes line;

	while (bytes_cut(&text, '\n', &line))
		assert(line.n <= 76 && line.n && line.p[line.n - 1] == '\r');
}

static void written(const json_t *contact, int version, char *room, struct bytes *text)
{
	struct writer w = writer_over(room, CARD_ROOM);

	vcard_write(&w, contact, version, "", "");
	assert(!w.overflow);
	*text = writer_done(&w);
}

static void again(const json_t *contact, int version)
{
	char *room = malloc(CARD_ROOM), *other = malloc(CARD_ROOM), why[SQL_WHY_MAX] = "";
	struct vcard_reader r;
	struct bytes text, second;
	json_t *same = NULL, *none = NULL;

	assert(room && other);
	written(contact, version, room, &text);
	lines_are_short(text);
	assert(!vcard_open(&r, text));
	assert(!vcard_read(&r, &same, why) && same);
	assert(json_equal(same, contact));
	assert(!vcard_read(&r, &none, why) && !none);
	vcard_close(&r);
	written(same, version, other, &second);
	assert(bytes_eq(text, second));
	json_decref(same);
	free(room);
	free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[SQL_WHY_MAX] = "";
	struct vcard_reader r;
	json_t *contact = NULL;
	int err = vcard_open(&r, bytes_mem(data, size));

	while (!err || err == -EBADMSG) {
		size_t left = r.rest.n;

		err = vcard_read(&r, &contact, why);
		if (!err && !contact)
			break;
		assert(r.rest.n < left);
		if (!err) {
			assert(contact_text(contact, "name")[0]);
			again(contact, 3);
			again(contact, 4);
			json_decref(contact);
		}
	}
	vcard_close(&r);
	return 0;
}
