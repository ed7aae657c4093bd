/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A template of a URL and, behind a NUL, the value of each name in it. Either the template is refused, or whatever the value is, the URL goes
 * to the same host, and has as many segments, parameters and octets like `#` as the template has beside its names; the value comes back
 * where it is decoded, or the verb fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sig/flow/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct flow_findings g_findings;
static struct flow_verb g_verb;

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static void fact(void *arg, struct bytes name, struct writer *w)
{
	(void)name;
	writer_bytes(w, *(struct bytes *)arg);
}

static void hours(void *arg, struct bytes name, struct writer *w)
{
	(void)arg;
	(void)name;
	(void)w;
}

static bool tag(void *arg, struct bytes name, struct bytes value)
{
	(void)arg;
	(void)name;
	(void)value;
	return true;
}

/* The template with that in place of each name that is known of a call; the others are empty. */
static struct bytes with(struct bytes text, struct bytes value, struct writer *w)
{
	enum text_piece piece;
	struct bytes part;

	while ((piece = text_piece_cut(&text, &part)) == PIECE_LITERAL || piece == PIECE_NAME)
		writer_bytes(w, piece == PIECE_LITERAL ? part
				: fact_is(part)        ? value
						       : (struct bytes){ 0 });
	return writer_done(w);
}

static size_t count_of(struct bytes text, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == (uint8_t)c;
	return n;
}

/* Up to the end of the authority, which is looked for by itself here. */
static struct bytes authority(struct bytes url)
{
	size_t n = 0, slashes = 0;

	while (n < url.n && (slashes < 2 || !memchr("/?#\\", url.p[n], 4)))
		slashes += url.p[n++] == '/';
	return bytes_sub(url, 0, n);
}

static int hex_of(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* Percent signs undone, as often as a careless server would: once. */
static struct bytes decoded(struct bytes text, uint8_t *room)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		bool escaped = text.p[i] == '%' && i + 2 < text.n;

		room[n++] = escaped ? (uint8_t)(hex_of(text.p[i + 1]) << 4 | hex_of(text.p[i + 2]))
				    : text.p[i];
		i += escaped ? 2 : 0;
	}
	return bytes_mem(room, n);
}

static void check_dots(struct bytes url)
{
	static uint8_t room[VERB_TEXT_MAX];
	struct bytes rest = bytes_from(url, authority(url).n), one;

	rest = bytes_sub(rest, 0, bytes_find(rest, '#'));
	rest = decoded(bytes_sub(rest, 0, bytes_find(rest, '?')), room);
	for (size_t i = 0; i < rest.n; i++)
		room[i] = room[i] == '\\' ? '/' : room[i];
	while (bytes_cut(&rest, '/', &one))
		check(!bytes_is(one, ".") && !bytes_is(one, ".."), "a dot segment");
}

static void check_made(struct bytes text, struct bytes value, struct bytes url)
{
	static uint8_t plain_room[8 * VERB_TEXT_MAX], want_room[64 * VERB_TEXT_MAX],
		got_room[VERB_TEXT_MAX];
	struct writer plain_of = writer_over(plain_room, sizeof(plain_room)),
		      want_of = writer_over(want_room, sizeof(want_room));
	struct bytes plain = with(text, BYTES_LIT("x"), &plain_of), want;

	check(bytes_eq(authority(plain), authority(url)), "another host");
	for (const char *c = "/?#&=;+:@\\ "; *c; c++)
		check(count_of(url, *c) == count_of(plain, *c), "what stands outside its place");
	want = with(text, value, &want_of);
	if (count_of(plain, '%') == 0)
		check(!want_of.overflow && bytes_eq(decoded(url, got_room), want), "another value");
	check_dots(url);
}

/* It has names, and none whose value gets zeros in front. */
static bool has_plain_names(struct bytes text)
{
	enum text_piece piece;
	struct bytes part;
	bool any = false;

	while ((piece = text_piece_cut(&text, &part)) == PIECE_LITERAL || piece == PIECE_NAME) {
		any |= piece == PIECE_NAME;
		if (piece == PIECE_NAME && bytes_find(part, ':') < part.n)
			return false;
	}
	return any;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[4 * PROGRAM_TEXT_MAX];
	struct bytes value = bytes_mem(data, size), text = { 0 };
	const struct flow_world world = { fact, hours, tag, NULL, &value };
	struct writer w = writer_over(room, sizeof(room));
	struct flow_position pos = { 0 };
	struct flow_program *p, *kept;

	(void)bytes_cut(&value, '\0', &text);
	if (text.n > VERB_TEXT_MAX || !utf8_is(text) || bytes_find(value, '\0') < value.n)
		return 0;
	writer_str(&w, "[{\"http\":");
	json_write_text(&w, text);
	writer_str(&w, "}]");
	p = program_parse(writer_done(&w), NULL, &g_findings);
	kept = p ? NULL : program_read(writer_done(&w), &g_findings);
	check(!kept || g_findings.warnings, "what is kept says nothing");
	program_free(kept);
	if (p && has_plain_names(text) && program_start(p, &pos, &world, &g_verb) == FLOW_VERB)
		check_made(text, value, verb_text(&g_verb, "url"));
	position_clear(&pos);
	program_free(p);
	return 0;
}
