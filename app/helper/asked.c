/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list behind flow.trace and its relatives: requests that the helper process made for calls, as
 * rows of JSON. node_helper.c adds them. Hidden values are masked before a row is stored, also in
 * their JSON spelling and where they overlap the cut, so no secret of a tenant gets into memory
 * that is shown.
 */

#include "app/helper/asked.h"

#include <stdlib.h>
#include <string.h>

#include "app/helper/webhook.h"
#include "base/json.h"

/* ---- texts ---- */

/* As it stands in JSON: without the quotes. */
static struct bytes hidden_in_json(const json_t *value, char **text)
{
	*text = json_dumps(value, JSON_ENCODE_ANY);
	return *text ? bytes_mem(*text + 1, strlen(*text) - 2) : (struct bytes){ 0 };
}

/* The first place of one of them from there on, and its length; text.n: none. */
static size_t hidden_find(struct bytes text, size_t from, struct bytes what, size_t before)
{
	for (size_t i = from; what.n && i < before && what.n <= text.n - i; i++) {
		if (!memcmp(text.p + i, what.p, what.n))
			return i;
	}
	return before;
}

/* The next octets to be shown begin behind what is hidden. */
static size_t hidden_next(struct bytes text, size_t from, const json_t *hidden, size_t *length)
{
	size_t at = text.n, i;
	json_t *value;

	*length = 0;
	json_array_foreach((json_t *)(uintptr_t)hidden, i, value)
	{
		char *escaped;
		struct bytes forms[] = { hidden_in_json(value, &escaped),
					 bytes_mem(json_string_value(value),
						   json_string_length(value)) };

		for (size_t f = 0; f < COUNT_OF(forms); f++) {
			size_t found = hidden_find(text, from, forms[f], text.n);

			if (found < at || (found == at && found < text.n && forms[f].n > *length)) {
				at = found;
				*length = forms[f].n;
			}
		}
		free(escaped);
	}
	return at;
}

/* The place where a character begins, at most n octets from the beginning. */
static size_t asked_text_cut(struct bytes text, size_t n)
{
	if (n >= text.n)
		return text.n;
	while (n && (text.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

json_t *asked_text(struct bytes text, const json_t *hidden)
{
	char space[ASKED_TEXT_MAX];
	struct writer w = writer_over(space, sizeof(space));
	struct bytes shown;
	json_t *json;

	for (size_t at = 0, length; at < text.n && !w.overflow; at += length) {
		size_t end = hidden_next(text, at, hidden, &length), fits = w.cap - w.n;
		struct bytes plain = bytes_sub(text, at, end - at);

		writer_bytes(&w, bytes_sub(plain, 0, asked_text_cut(plain, fits)));
		if (plain.n > fits)
			break;
		writer_str(&w, length ? "***" : "");
		at = end;
	}
	shown = bytes_mem(space, w.n);
	for (size_t i = 0; i < w.n; i++)
		space[i] = (char)((uint8_t)space[i] < ' ' && space[i] != '\n' ? '?' : space[i]);
	for (size_t i = 0; !utf8_is(shown) && i < w.n; i++)
		space[i] = (char)((uint8_t)space[i] > '~' ? '?' : space[i]);
	json = json_stringn(space, w.n);
	explicit_bzero(space, sizeof(space));
	return json;
}

json_t *asked_url(struct bytes url, const json_t *hidden, bool whole)
{
	char space[256];
	struct writer w = writer_over(space, sizeof(space));

	if (whole)
		webhook_url_shown(&w, url);
	else
		webhook_url_masked(&w, url, false);
	return asked_text(writer_done(&w), hidden);
}

/* ---- the newest ---- */

static void asked_drop(struct asked *a, uint32_t i)
{
	json_decref(a->rows[i].row);
	a->count--;
	memmove(&a->rows[i], &a->rows[i + 1], (a->count - i) * sizeof(a->rows[0]));
}

void asked_put(struct asked *a, uint16_t tenant, json_t *row)
{
	uint32_t of_tenant = 0, oldest = 0;

	if (!row)
		return;
	for (uint32_t i = a->count; i-- > 0;) {
		if (a->rows[i].tenant == tenant) {
			of_tenant++;
			oldest = i;
		}
	}
	if (of_tenant >= ASKED_OF_TENANT_MAX)
		asked_drop(a, oldest);
	else if (a->count == ASKED_MAX)
		asked_drop(a, 0);
	a->rows[a->count++] = (struct asked_row){ tenant, row };
}

json_t *asked_list(const struct asked *a, const uint16_t *tenant, struct bytes call, size_t limit)
{
	json_t *list = json_array();

	for (uint32_t i = a->count; i-- > 0 && json_array_size(list) < limit;) {
		const json_t *of = json_object_get(a->rows[i].row, "call");

		if ((!tenant || a->rows[i].tenant == *tenant) &&
		    (!call.n || (json_is_string(of) && bytes_is(call, json_string_value(of)))))
			(void)json_array_append(list, a->rows[i].row);
	}
	return list;
}

void asked_clear(struct asked *a)
{
	while (a->count)
		asked_drop(a, a->count - 1);
}
