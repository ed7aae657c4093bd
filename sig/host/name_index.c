/* SPDX-License-Identifier: Apache-2.0 */
/* Dial by name: an index of extension names by the DTMF digits of their letters (names.h). Each
 * word of a name is found by its digits and by those of the words that follow; umlauts are indexed
 * in both spellings. Words with the same first two digits share a list. Used by the flow verb
 * directory. One thread. */

#include "sig/host/name_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/named.h"

enum {
	NAME_WORDS_MAX = 8,
	NAME_KEYS_MAX = 128,
	NAMES_MAX = 1 << 20, /* of all tenants */
};

/* A word of a name and those that follow it: "ANNABERG" and "BERG" of Anna Berg, as digits. */
struct name_word {
	struct name_word *next, **link;
	const struct name_entry *entry;
	const char *keys;
};

/* Those of a tenant that begin with the same two digits. */
struct name_list {
	uint16_t tenant;
	char keys[NAME_INDEX_KEYS_MIN + 1];
	struct name_word *first;
};

struct name_entry {
	uint16_t tenant;
	char number[64];
	uint8_t count;
	const char *keys;         /* of the whole name */
	struct name_word words[]; /* and the texts behind them */
};

struct name_index {
	struct table by_keys;   /* struct name_list */
	struct table by_number; /* struct name_entry */
};

void name_index_free(struct name_index *x)
{
	if (!x)
		return;
	named_close(&x->by_keys);
	named_close(&x->by_number);
	free(x);
}

struct name_index *name_index_create(void)
{
	struct name_index *x = calloc(1, sizeof(*x));

	if (x && !table_open(&x->by_keys, NAMES_MAX) && !table_open(&x->by_number, NAMES_MAX))
		return x;
	name_index_free(x);
	return NULL;
}

/* ---- digits ---- */

/* One for each letter from U+00C0 to U+017F: the letter it is keyed as; '.': none. */
static const char g_plain[] = "aaaaaaaceeeeiiiidnooooo.ouuuuytsaaaaaaaceeeeiiiidnooooo.ouuuuyty"
			      "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
			      "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/* The octets of a character, at least one, and its letter or digit; 0: a word separator. */
static size_t name_letter(struct bytes text, char *letter)
{
	uint32_t c = text.p[0];

	*letter = 0;
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
		*letter = (char)(c | 0x20);
	else if (c >= '0' && c <= '9')
		*letter = (char)c;
	if (c < 0xc0 || text.n < 2)
		return 1;
	if (c > 0xdf)
		return c > 0xef ? 4 : 3;
	c = (c & 0x1f) << 6 | (text.p[1] & 0x3f);
	if (c >= 0xc0 && c <= 0x17f && g_plain[c - 0xc0] != '.')
		*letter = g_plain[c - 0xc0];
	return 2;
}

/* What may stand behind the vowel, or the s, of a character of two octets; 0: nothing. */
static char name_letter_behind(struct bytes one, bool umlauts)
{
	if (one.n != 2 || one.p[0] != 0xc3)
		return 0;
	switch (one.p[1] | 0x20) {
	case 0xbf: /* sharp s; or a y with two dots */
		return one.p[1] == 0x9f ? 's' : 0;
	case 0xa4: /* ae */
	case 0xb6: /* oe */
	case 0xbc: /* ue */
		return umlauts ? 'e' : 0;
	case 0xa6: /* the ligature */
		return 'e';
	default:
		return 0;
	}
}

void name_fold(struct writer *w, struct bytes text)
{
	char letter;

	for (size_t n; text.n; text = bytes_from(text, n)) {
		n = name_letter(text, &letter);
		if (!letter) {
			writer_bytes(w, bytes_sub(text, 0, n));
			continue;
		}
		writer_u8(w, (uint8_t)letter);
		letter = name_letter_behind(bytes_sub(text, 0, n), false);
		if (letter)
			writer_u8(w, (uint8_t)letter);
	}
}

static char name_key(char letter)
{
	return letter >= 'a' ? "22233344455566677778889999"[letter - 'a'] : letter;
}

/* The digits of a name, and where its words begin. */
struct name_keys {
	char keys[NAME_KEYS_MAX];
	uint8_t n, count, begins[NAME_WORDS_MAX];
};

static void name_keys_of(struct bytes name, bool umlauts, struct name_keys *out)
{
	bool within = false;
	char letter, behind;

	*out = (struct name_keys){ 0 };
	while (name.n && out->n + 2 < NAME_KEYS_MAX) {
		size_t n = name_letter(name, &letter);

		behind = name_letter_behind(bytes_sub(name, 0, n), umlauts);
		name = bytes_from(name, n);
		if (letter && !within && out->count < COUNT_OF(out->begins))
			out->begins[out->count++] = out->n;
		within = letter;
		if (letter)
			out->keys[out->n++] = name_key(letter);
		if (behind)
			out->keys[out->n++] = name_key(behind);
	}
}

/* ---- entries ---- */

static void name_drop(struct name_index *x, struct name_entry *e)
{
	for (uint8_t i = 0; i < e->count; i++) {
		struct name_word *w = &e->words[i];

		if (w->link)
			*w->link = w->next;
		if (w->link && w->next)
			w->next->link = w->link;
	}
	named_remove(&x->by_number, e);
	free(e);
}

static int name_word_add(struct name_index *x, struct name_entry *e, const char *keys)
{
	struct name_word *w = &e->words[e->count++];
	struct bytes first = bytes_sub(bytes_str(keys), 0, NAME_INDEX_KEYS_MIN);
	struct name_list *list;
	int err = 0;

	*w = (struct name_word){ .entry = e, .keys = keys };
	if (first.n < NAME_INDEX_KEYS_MIN)
		return 0;
	list = named_put(&x->by_keys, e->tenant, first, sizeof(*list), &err);
	if (!list)
		return err;
	w->next = list->first;
	w->link = &list->first;
	if (w->next)
		w->next->link = &w->next;
	list->first = w;
	return 0;
}

static int name_words_add(struct name_index *x, struct name_entry *e, const struct name_keys *way,
			  char *text)
{
	int err = 0;

	memcpy(text, way->keys, way->n + 1U);
	for (uint8_t i = 0; i < way->count && !err; i++)
		err = name_word_add(x, e, text + way->begins[i]);
	return err;
}

int name_index_put(struct name_index *x, uint16_t tenant, struct bytes number, struct bytes name)
{
	struct name_keys plain, umlauts;
	struct name_entry *e = named_find(&x->by_number, tenant, number);
	uint8_t words;
	int err = 0;

	if (e)
		name_drop(x, e);
	name_keys_of(name, false, &plain);
	name_keys_of(name, true, &umlauts);
	if (!plain.n || number.n >= sizeof(e->number))
		return 0;
	if (!strcmp(plain.keys, umlauts.keys))
		umlauts = (struct name_keys){ 0 };
	words = (uint8_t)(plain.count + umlauts.count);
	e = named_put(&x->by_number, tenant, number,
		      sizeof(*e) + words * sizeof(e->words[0]) + plain.n + umlauts.n + 2U, &err);
	if (!e)
		return err;
	e->keys = (char *)&e->words[words];
	err = name_words_add(x, e, &plain, (char *)&e->words[words]);
	if (!err)
		err = name_words_add(x, e, &umlauts, (char *)&e->words[words] + plain.n + 1);
	if (err)
		name_drop(x, e);
	return err;
}

/* ---- who is meant ---- */

static int name_order(const struct name_entry *a, const struct name_entry *b)
{
	int by_name = strcmp(a->keys, b->keys);

	return by_name ? by_name : strcmp(a->number, b->number);
}

/* In its place; the last one falls out where there is no room. */
static uint32_t name_found_add(const struct name_entry *list[NAME_INDEX_FOUND_MAX], uint32_t n,
			       const struct name_entry *e)
{
	uint32_t at = n;

	for (uint32_t i = 0; i < n; i++) {
		if (list[i] == e)
			return n;
	}
	while (at > 0 && name_order(e, list[at - 1]) < 0)
		at--;
	if (at == NAME_INDEX_FOUND_MAX)
		return n;
	n += n < NAME_INDEX_FOUND_MAX;
	memmove(&list[at + 1], &list[at], (n - at - 1) * sizeof(*list));
	list[at] = e;
	return n;
}

uint32_t name_index_find(const struct name_index *x, uint16_t tenant, struct bytes keys,
			 struct bytes found[NAME_INDEX_FOUND_MAX])
{
	const struct name_list *list =
		named_find(&x->by_keys, tenant, bytes_sub(keys, 0, NAME_INDEX_KEYS_MIN));
	const struct name_entry *entries[NAME_INDEX_FOUND_MAX];
	uint32_t n = 0;

	for (const struct name_word *w = list ? list->first : NULL; w; w = w->next) {
		if (!strncmp(w->keys, (const char *)keys.p, keys.n))
			n = name_found_add(entries, n, w->entry);
	}
	for (uint32_t i = 0; i < n; i++)
		found[i] = bytes_str(entries[i]->number);
	return n;
}
