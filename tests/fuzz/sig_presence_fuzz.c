/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document that a phone publishes. What is taken of it is a state that anybody may say and a line of UTF-8; shown to others and read
 * again it is the same. As the text of a document of ours it is the same, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sig/identity/presence.h"

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static void check_word(const struct presence_word *w)
{
	struct bytes note = bytes_str(w->note);

	check(presence_may_say((struct bytes){ 0 }, bytes_str(w->state)), "no state");
	check(utf8_is(note), "no text");
	for (size_t i = 0; i < note.n; i++)
		check(note.p[i] >= ' ' && note.p[i] != 0x7f, "no line");
}

static void check_shown(const struct presence_word *w, struct presence_word *again)
{
	static char text[4096];
	struct writer out = writer_over(text, sizeof(text));
	struct presence_view v = { .state = w->state, .note = w->note, .open = true };

	writer_str(&out, "<presence>");
	presence_write_pidf(&out, &v);
	check(!out.overflow && !presence_read_pidf(again, writer_done(&out)), "not read again");
	check(!strcmp(w->state, again->state), "another state");
}

static void check_kept(const struct presence_word *w)
{
	struct presence p = { .words[PRESENCE_PHONES] = *w }, q = { 0 };
	char text[512];
	struct writer out = writer_over(text, sizeof(text));

	p.words[PRESENCE_PHONES].by = PRESENCE_BY_PHONE;
	presence_word_write(&out, &p, PRESENCE_PHONES);
	check(!out.overflow && !presence_word_read(&q, writer_done(&out)), "not kept");
	check(!memcmp(&p, &q, sizeof(p)), "kept otherwise");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct presence_word w = { 0 }, again = { 0 }, third = { 0 };

	if (presence_read_pidf(&w, bytes_mem(data, size)))
		return 0;
	check_word(&w);
	check_kept(&w);
	check_shown(&w, &again);
	/* what XML has no character for is lost once, and blanks at its ends */
	check_word(&again);
	check_shown(&again, &third);
	check(!strcmp(again.note, third.note), "another note");
	return 0;
}
