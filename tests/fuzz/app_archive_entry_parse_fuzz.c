/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of streams: the kind in the first octet, then lines of NAME=VALUE. Oracles: what is read of a call record is text that SQL takes, cut at whole
 * characters; written as an entry again it is read as the same; its conversation adds up, and is in the tenant's list and in each once.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/archive/archive_conversation.h"
#include "sig/sip/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MOST = 16 };

static struct archive_conversation g_made;

static void text_is_good(struct bytes text, size_t most)
{
	json_t *json = json_stringn((const char *)text.p, text.n);

	assert(text.n <= most && (json || !text.n) &&
	       !memchr(text.p ? text.p : (const uint8_t *)"", 0, text.n));
	json_decref(json);
}

static void texts_are_same(struct bytes a, struct bytes b)
{
	assert(bytes_eq(a, b));
}

/* As a node would write what was read. */
static json_t *record_of(const struct archive_leg *l)
{
	json_t *json = json_loadb((const char *)l->detail.p, l->detail.n, 0, NULL);

	if (!json)
		json = json_object();
#define X(member, name) (void)json_object_set_new(json, name, json_integer(l->member));
	ARCHIVE_LEG_NUMBERS(X)
#undef X
#define X(member, name, most) \
	(void)json_object_set_new(json, name, json_stringn((const char *)l->member.p, l->member.n));
	ARCHIVE_LEG_TEXTS(X)
#undef X
	return json;
}

static void leg_again(const struct archive_leg *l, const struct archive_entry *entry)
{
	json_t *json = record_of(l);
	char *text = json_dumps(json, 0), id[ID_TEXT_LEN + 4];
	struct writer w = writer_over(id, sizeof(id));
	struct archive_field fields[2] = { { BYTES_LIT("id"), { 0 } },
					   { BYTES_LIT("cdr"), bytes_str(text) } };
	struct archive_entry other = *entry;
	struct archive_leg again;

	id_call_put(id, l->call);
	w.n = ID_TEXT_LEN;
	if (l->leg > 1)
		writer_number(&w, ".", (uint64_t)l->leg, "");
	fields[0].value = writer_done(&w);
	other.fields = fields;
	other.count = 2;
	assert(text && !archive_leg_parse(&again, &other));
	assert(again.call == l->call && again.leg == l->leg && again.month == l->month &&
	       again.revision == l->revision && again.mos == l->mos);
#define X(member, name) assert(again.member == l->member);
	ARCHIVE_LEG_NUMBERS(X)
#undef X
#define X(member, name, most) texts_are_same(again.member, l->member);
	ARCHIVE_LEG_TEXTS(X)
#undef X
	texts_are_same(again.detail, l->detail);
	archive_leg_drop(&again);
	free(text);
	json_decref(json);
}

static void conversation_of(const struct archive_leg *l)
{
	size_t tenants = 0;

	archive_conversation_make(&g_made, l, 1);
	assert(g_made.talk_ms == l->talk_ms && g_made.ended_ms == l->ended_ms && g_made.legs == 1);
	for (size_t i = 0; i < g_made.list_count; i++) {
		tenants += !g_made.lists[i].owner.n;
		text_is_good(g_made.lists[i].owner, ARCHIVE_OWNER_MAX - 1);
		for (size_t k = 0; k < i; k++)
			assert(!bytes_eq(g_made.lists[i].owner, g_made.lists[k].owner));
	}
	assert(tenants == 1 && !(g_made.flags & ARCHIVE_HIDDEN));
	text_is_good(g_made.words, ARCHIVE_WORDS_MAX);
}

static void leg_try(const struct archive_entry *entry)
{
	struct archive_leg l;

	if (archive_leg_parse(&l, entry))
		return;
#define X(member, name) assert(l.member >= 0);
	ARCHIVE_LEG_NUMBERS(X)
#undef X
#define X(member, name, most) text_is_good(l.member, most);
	ARCHIVE_LEG_TEXTS(X)
#undef X
	text_is_good(l.detail, ARCHIVE_BODY_MAX);
	assert(l.leg >= 1 && l.leg <= ARCHIVE_LEGS_MAX && l.month == archive_month(l.call));
	assert(!l.month ||
	       (l.month > 202200 && l.month < 205800 && l.month % 100 >= 1 && l.month % 100 <= 12));
	leg_again(&l, entry);
	conversation_of(&l);
	archive_leg_drop(&l);
}

static void event_try(const struct archive_entry *entry, bool broken)
{
	struct archive_event e;
	char own[ARCHIVE_OWN_MAX];

	if (broken ? archive_event_broken(&e, entry) : archive_event_parse(&e, entry))
		return;
	archive_own(own, entry);
	assert(strlen(e.own) && (e.kind == ARCHIVE_KIND_MESSAGE || !strcmp(own, e.own)));
	text_is_good(e.type, 63);
	text_is_good(e.subject, 63);
	text_is_good(e.who, 63);
	text_is_good(e.body, 5 * ARCHIVE_BODY_MAX);
	archive_event_drop(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct archive_field fields[FIELDS_MOST];
	struct archive_entry entry = { ARCHIVE_CDRS,
				       BYTES_LIT("td:{s1}:cdr"),
				       BYTES_LIT("default"),
				       BYTES_LIT("1795819000000-1"),
				       fields,
				       0 };
	struct bytes rest = bytes_mem(data, size), line;

	if (!size)
		return 0;
	entry.kind = (enum archive_stream)(data[0] & 4 ? ARCHIVE_SECURITY : data[0] & 3);
	rest = bytes_from(rest, 1);
	while (entry.count < FIELDS_MOST && bytes_cut(&rest, '\n', &line)) {
		size_t at = bytes_find(line, '=');

		fields[entry.count].name = bytes_sub(line, 0, at);
		fields[entry.count++].value = bytes_from(line, at + 1);
	}
	if (entry.kind == ARCHIVE_CDRS)
		leg_try(&entry);
	else
		event_try(&entry, false);
	event_try(&entry, true);
	return 0;
}
