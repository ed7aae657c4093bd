/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes values by tables of fields: from arguments, from documents in Redis, into
 * documents and views; sealed secrets and masked URLs of forms. Every document kind with a table
 * goes through it. Documents may be edited by hand, so every member's type is checked, and a value
 * changes only when all of its document is right.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/helper/webhook.h"
#include "app/schema/command.h"
#include "app/schema/field.h"
#include "base/seal.h"
#include "sig/dial/pattern.h"

/* Members of documents. They may be edited by hand: every type is checked. */

json_t *document_versioned(json_t *json)
{
	if (json && json_object_set_new(json, "v", json_integer(DOCUMENT_FORMAT))) {
		json_decref(json);
		return NULL;
	}
	return json;
}

json_t *document_shown(json_t *json, uint64_t changed_utc_ms)
{
	if (json && json_object_set_new(json, "changed_utc_ms", json_integer(changed_utc_ms))) {
		json_decref(json);
		return NULL;
	}
	return json;
}

static struct given given_flat(struct flat_value v)
{
	static const enum given_kind kinds[] = {
		[FLAT_NONE] = GIVEN_NOTHING, [FLAT_TEXT] = GIVEN_TEXT, [FLAT_NUMBER] = GIVEN_NUMBER,
		[FLAT_FALSE] = GIVEN_FALSE,  [FLAT_TRUE] = GIVEN_TRUE, [FLAT_WORDS] = GIVEN_LIST,
	};

	struct given g = { .kind = kinds[v.kind], .number = (int64_t)v.number, .count = v.count };

	*(v.kind == FLAT_TEXT ? &g.text : &g.words) = v.text;
	return g;
}

struct given document_member(const struct document_reader *r, const char *name)
{
	return r->flat ? given_flat(flat_find(r->flat, bytes_str(name)))
		       : given_json(json_object_get(r->json, name));
}

void document_refuse(struct document_reader *r, const char *member)
{
	if (!r->wrong)
		r->wrong = member;
}

void document_text(struct document_reader *r, const char *member, char *out, size_t cap)
{
	struct given g = document_member(r, member);

	if (r->wrong)
		return;
	if (g.kind != GIVEN_TEXT || bytes_find(g.text, 0) < g.text.n ||
	    bytes_cstr(g.text, out, cap))
		document_refuse(r, member);
}

uint64_t document_changed(const struct document_reader *r)
{
	return (uint64_t)document_member(r, "changed_utc_ms").number;
}

static json_t *document_tree(struct bytes text)
{
	return json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
}

static int reader_fill(struct document_reader *r, struct bytes text, document_fill_fn *fill,
		       void *value, const char **reason)
{
	struct flat flat;
	json_t *json;
	bool later;

	r->flat = flat_read(&flat, text) ? &flat : NULL;
	r->json = json = r->flat ? NULL : document_tree(text);
	later = document_member(r, "v").number > DOCUMENT_FORMAT;
	if (later)
		document_refuse(r, "v: of a later program");
	else if (r->flat || json_is_object(json))
		fill(r, value);
	else
		document_refuse(r, "not a JSON object");
	json_decref(json);
	*reason = r->wrong;
	if (!r->wrong)
		return 0;
	return later ? -EPROTONOSUPPORT : -EBADMSG;
}

/* The value is unchanged on an error. */
static int reader_read(struct document_reader *r, struct bytes text, document_fill_fn *fill,
		       void *value, size_t size, const char **reason)
{
	void *read = calloc(1, size);
	int err;

	*reason = "out of memory";
	if (!read)
		return -ENOMEM;
	err = reader_fill(r, text, fill, read, reason);
	if (!err)
		memcpy(value, read, size);
	explicit_bzero(read, size); /* it may have secrets */
	free(read);
	return err;
}

int document_read(struct bytes text, const struct seal_key *key, document_fill_fn *fill,
		  void *value, size_t size, const char **reason)
{
	struct document_reader r = { .key = key };

	return reader_read(&r, text, fill, value, size, reason);
}

void form_start(const struct form *f, void *value, struct bytes name)
{
	memset(value, 0, f->size); /* between its members, too: values are compared */
	if (f->begin)
		f->begin(value, name);
}

uint64_t *form_changed(const struct form *f, void *value)
{
	return (uint64_t *)(void *)((uint8_t *)value + f->changed);
}

enum { FORM_NAME_MAX = 64 };

static const char *form_secret(const struct form *f, const char *before, const char *behind,
			       char name[FORM_NAME_MAX])
{
	(void)snprintf(name, FORM_NAME_MAX, "%s%s%s", before, f->secret, behind);
	return name;
}

static const char *form_sealed(const struct form *f, const void *value)
{
	return (const char *)value + f->secret_at;
}

/* With URLs unmasked. */
static json_t *form_json(const struct form *f, const void *value)
{
	char name[FORM_NAME_MAX];
	uint64_t changed;
	json_t *json;

	memcpy(&changed, (const uint8_t *)value + f->changed, sizeof(changed));
	json = document_shown(field_json(f->fields, value, NULL), changed);
	if (json && f->secret)
		(void)json_object_set_new(json, form_secret(f, "has_", "", name),
					  json_boolean(*form_sealed(f, value)));
	return json;
}

enum { FIELD_URL_MAX = 1024, FIELD_URLS = 4 /* of one kind */ };

static struct bytes field_url_masked(char out[FIELD_URL_MAX], const char *text, bool whole)
{
	struct writer w = writer_over(out, FIELD_URL_MAX);

	webhook_url_masked(&w, bytes_str(text), whole);
	return writer_done(&w);
}

static void form_urls_mask(const struct form *f, json_t *json, const void *value, bool whole)
{
	for (const struct command_arg *arg = f->fields; json && arg->name; arg++) {
		char masked[FIELD_URL_MAX];
		struct bytes shown;

		if (arg->field.guarded && !whole)
			(void)json_object_del(json, arg->name);
		if (!arg->field.url || !json_object_get(json, arg->name))
			continue;
		shown = field_url_masked(masked, (const char *)value + arg->field.at, whole);
		(void)json_object_set_new(json, arg->name, command_text_json(shown));
	}
}

json_t *form_view(const struct form *f, const void *value)
{
	json_t *json = form_json(f, value);

	form_urls_mask(f, json, value, true);
	return json;
}

void form_urls_hide(const struct form *f, json_t *json, const void *value)
{
	form_urls_mask(f, json, value, false);
}

json_t *form_document(const struct form *f, const void *value)
{
	char name[FORM_NAME_MAX];
	json_t *json = document_versioned(form_json(f, value));

	if (!json || !f->secret)
		return json;
	(void)json_object_del(json, form_secret(f, "has_", "", name));
	if (*form_sealed(f, value))
		(void)json_object_set_new(json, form_secret(f, "", "_sealed", name),
					  json_string(form_sealed(f, value)));
	return json;
}

enum { FORM_SEALED_MAX = (FORM_SECRET_MAX - 1) / 2 };

int form_secret_seal(char out[FORM_SECRET_MAX], struct bytes context, struct bytes secret,
		     const struct seal_key *key, struct rand_source *rand)
{
	uint8_t sealed[FORM_SEALED_MAX];
	struct writer hex = writer_over(out, FORM_SECRET_MAX - 1);
	size_t n;
	int err = secret.n > sizeof(sealed) - SEAL_OVERHEAD
			  ? -EINVAL
			  : seal_make(key, rand, context, secret, sealed, sizeof(sealed), &n);

	out[0] = '\0';
	if (err)
		return err;
	writer_hex(&hex, bytes_mem(sealed, n));
	out[hex.n] = '\0';
	return 0;
}

int form_secret_open(char *out, size_t cap, struct bytes context, const char *sealed,
		     const struct seal_key *key)
{
	uint8_t octets[FORM_SEALED_MAX];
	enum seal_refusal why;
	size_t n, length = 0;

	out[0] = '\0';
	if (!sealed[0])
		return 0;
	if (hex_decode(bytes_str(sealed), octets, sizeof(octets), &n) ||
	    seal_open(key, context, bytes_mem(octets, n), (uint8_t *)out, cap - 1, &length, &why))
		return -EBADMSG;
	out[length] = '\0';
	return 0;
}

static void form_fill_secret(struct document_reader *r, const struct form *f, void *value)
{
	char name[FORM_NAME_MAX];
	struct given given = document_member(r, form_secret(f, "", "_sealed", name));

	if (given.kind != GIVEN_NOTHING &&
	    (given.kind != GIVEN_TEXT ||
	     bytes_cstr(given.text, (char *)value + f->secret_at, FORM_SECRET_MAX)))
		document_refuse(r, f->secret);
}

static void form_fill(struct document_reader *r, void *value)
{
	const struct form *f = r->form;
	struct given name = document_member(r, f->fields[0].name);
	const char *member = NULL;

	form_start(f, value, name.text);
	field_fill(r, f->fields, value);
	if (f->wrong && f->wrong(value, &member))
		document_refuse(r, member);
	*form_changed(f, value) = document_changed(r);
	if (f->secret)
		form_fill_secret(r, f, value);
}

int form_read(const struct form *f, void *value, struct bytes json, const char **reason)
{
	struct document_reader r = { .form = f };

	return reader_read(&r, json, form_fill, value, f->size, reason);
}

struct given given_json(const json_t *json)
{
	struct given g = { .kind = json ? GIVEN_OTHER : GIVEN_NOTHING };

	if (json_is_string(json)) {
		g.kind = GIVEN_TEXT;
		g.text = bytes_mem(json_string_value(json), json_string_length(json));
	} else if (json_is_integer(json)) {
		g.kind = GIVEN_NUMBER;
		g.number = json_integer_value(json);
	} else if (json_is_boolean(json)) {
		g.kind = json_is_true(json) ? GIVEN_TRUE : GIVEN_FALSE;
	} else if (json_is_array(json)) {
		g.kind = GIVEN_LIST;
		g.count = json_array_size(json);
	}
	g.list = json_is_array(json) || json_is_object(json) ? json : NULL;
	return g;
}

struct given given_next(struct given *list, size_t i)
{
	struct given g = { .kind = GIVEN_TEXT };

	if (list->list)
		return given_json(json_array_get(list->list, i));
	if (!flat_word(&list->words, &g.text))
		g.kind = GIVEN_NOTHING;
	return g;
}

static void field_number_set(const struct field *f, void *at, uint64_t number)
{
	const uint8_t u8 = (uint8_t)number;
	const uint16_t u16 = (uint16_t)number;
	const uint32_t u32 = (uint32_t)number;

	const void *const numbers[] = { [sizeof(u8)] = &u8,
					[sizeof(u16)] = &u16,
					[sizeof(u32)] = &u32,
					[sizeof(number)] = &number };

	memcpy(at, numbers[f->size], f->size);
}

uint64_t field_number_get(const struct field *f, const void *at)
{
	uint16_t u16 = *(const uint8_t *)at;
	uint32_t u32;
	uint64_t u64;

	if (f->size == sizeof(u64)) {
		memcpy(&u64, at, sizeof(u64));
		return u64;
	}
	if (f->size == sizeof(u32)) {
		memcpy(&u32, at, sizeof(u32));
		return u32;
	}
	if (f->size == sizeof(u16))
		memcpy(&u16, at, sizeof(u16));
	return u16;
}

/* Another version may have written a word that is unknown here. */
static uint32_t field_word_bit(const char *const *names, struct bytes word)
{
	for (size_t i = 0; names[i]; i++) {
		if (bytes_iis(word, names[i]))
			return 1u << i;
	}
	return 0;
}

static bool field_names_add(char *at, struct bytes name)
{
	uint8_t count = (uint8_t)at[0]++;

	return name.n && !bytes_cstr(name, at + 1 + count * FIELD_NAME_MAX, FIELD_NAME_MAX);
}

static bool field_list_set(const struct command_arg *arg, struct given list, char *at)
{
	bool names = arg->field.kind == FIELD_NAMES;
	uint32_t bits = 0;

	if (list.kind != GIVEN_LIST || (names && list.count > arg->max))
		return false;
	memset(at, 0, arg->field.size);
	for (size_t i = 0; i < list.count; i++) {
		struct given word = given_next(&list, i);

		if (word.kind != GIVEN_TEXT || (names && !field_names_add(at, word.text)))
			return false;
		bits |= field_word_bit(arg->names, word.text);
	}
	if (!names)
		field_number_set(&arg->field, at, bits);
	return true;
}

static bool field_addr_set(struct addr *out, struct bytes text)
{
	return !addr_parse(out, text) && !out->port;
}

static bool field_member_put(const struct command_arg *arg, const struct command_value *v,
			     void *value)
{
	char *at = (char *)value + arg->field.at;

	switch (arg->field.kind) {
	case FIELD_TEXT:
		memset(at, 0, arg->field.size);
		return !bytes_cstr(v->text, at, arg->field.size);
	case FIELD_SLICE:
		memcpy(at, &v->text, sizeof(v->text));
		return true;
	case FIELD_ADDR:
		return field_addr_set((void *)at, v->text);
	case FIELD_NUMBER:
		field_number_set(&arg->field, at, v->number);
		return true;
	case FIELD_NOT:
		field_number_set(&arg->field, at, !v->number);
		return true;
	case FIELD_BIT:
		field_number_set(&arg->field, at, v->number ? 1u << (v->number - 1) : 0);
		return true;
	case FIELD_PLUS_ONE:
		field_number_set(&arg->field, at, v->given ? v->number + 1 : 0);
		return true;
	case FIELD_BITS:
	case FIELD_NAMES:
	case FIELD_NONE:
		break;
	}
	return false;
}

static bool field_set(const struct command_arg *arg, struct given given, void *value)
{
	struct command_value v = { 0 };
	struct command_error unused;

	if (arg->type == ARG_LIST)
		return field_list_set(arg, given, (char *)value + arg->field.at);
	return !command_arg_check(arg, given, &v, &unused) && field_member_put(arg, &v, value);
}

void field_order(const struct command_run *run, void *order)
{
	const struct command_value *v = run->values;

	for (const struct command_arg *arg = run->command->args; arg->name; arg++, v++) {
		if (arg->field.kind && (v->given || arg->type != ARG_STRING))
			(void)field_member_put(arg, v, order);
	}
}

/* The first field with an error, and the error; or NULL.
 * Errors across fields come last, when all are known. */
static const struct command_arg *field_read_all(const struct command_arg *fields,
						const struct document_reader *r, void *value,
						const char **reason)
{
	const struct command_arg *arg;

	*reason = "it is absent or not allowed";
	for (arg = fields; arg->name; arg++) {
		struct given given;

		if (!arg->field.kind)
			continue;
		given = document_member(r, arg->name);
		if (given.kind != GIVEN_NOTHING ? !field_set(arg, given, value) : arg->required)
			return arg;
	}
	for (arg = fields; arg->name; arg++) {
		*reason = arg->field.wrong ? arg->field.wrong(value, (char *)value + arg->field.at)
					   : NULL;
		if (*reason)
			return arg;
	}
	return NULL;
}

/* A URL that is given as it is shown is unchanged. */
struct field_url {
	const struct command_arg *arg;
	char text[FIELD_URL_MAX];
};

/* False: the run has failed. */
static bool field_urls_keep(struct command_run *run, const struct command_arg *fields,
			    const void *value, struct field_url kept[FIELD_URLS])
{
	size_t count = 0;

	for (const struct command_arg *arg = fields; arg->name && count < FIELD_URLS; arg++) {
		const char *given =
			arg->field.url ? json_string_value(json_object_get(run->args, arg->name))
				       : NULL;
		const char *is = (const char *)value + arg->field.at;
		char masked[FIELD_URL_MAX];

		if (!given || !strstr(given, "://") || !strstr(given, WEBHOOK_URL_MASK))
			continue;
		if (!bytes_is(field_url_masked(masked, is, true), given)) {
			command_fail(run, COMMAND_BAD_ARGUMENT, arg->name,
				     "%s has *** in place of what nobody is shown: give all of it, "
				     "or what is shown, unchanged",
				     arg->name);
			return false;
		}
		kept[count].arg = arg;
		(void)snprintf(kept[count++].text, FIELD_URL_MAX, "%s", is);
	}
	return true;
}

bool fields_read_args(struct command_run *run, const struct command_arg *fields, void *value)
{
	const char *reason;
	const struct document_reader args = { .json = run->args };
	struct field_url kept[FIELD_URLS] = { 0 };
	const struct command_arg *wrong;

	if (!field_urls_keep(run, fields, value, kept))
		return false;
	wrong = field_read_all(fields, &args, value, &reason);
	for (size_t i = 0; i < FIELD_URLS && kept[i].arg; i++)
		(void)bytes_cstr(bytes_str(kept[i].text), (char *)value + kept[i].arg->field.at,
				 kept[i].arg->field.size);
	explicit_bzero(kept, sizeof(kept));
	if (wrong)
		command_fail(run, COMMAND_BAD_ARGUMENT, wrong->name, "%s: %s", wrong->name, reason);
	return !wrong;
}

void field_fill(struct document_reader *r, const struct command_arg *fields, void *value)
{
	const char *reason;
	const struct command_arg *wrong = field_read_all(fields, r, value, &reason);

	if (wrong)
		document_refuse(r, wrong->name);
}

static json_t *field_number_json(const struct command_arg *arg, uint64_t number)
{
	if (arg->type == ARG_ENUM)
		return json_string(arg->names[number]);
	return arg->type == ARG_BOOL ? json_boolean(number) : json_integer((json_int_t)number);
}

static uint32_t field_bit_index(const struct command_arg *arg, uint32_t bits)
{
	uint32_t i = 0;

	while (arg->names[i] && bits != (i ? 1u << (i - 1) : 0))
		i++;
	return arg->names[i] ? i : 0;
}

static json_t *field_bits_json(const struct command_arg *arg, uint32_t bits)
{
	json_t *list = json_array();

	for (size_t i = 0; arg->names[i]; i++) {
		if (bits & 1u << i)
			(void)json_array_append_new(list, json_string(arg->names[i]));
	}
	return list;
}

static json_t *field_names_json(const char *at)
{
	json_t *list = json_array();

	for (uint8_t i = 0; i < (uint8_t)at[0]; i++)
		(void)json_array_append_new(list, json_string(at + 1 + i * FIELD_NAME_MAX));
	return list;
}

static json_t *field_value_json(const struct command_arg *arg, const void *value)
{
	const char *at = (const char *)value + arg->field.at;
	char text[ADDR_TEXT_MAX];

	switch (arg->field.kind) {
	case FIELD_TEXT:
		return json_string(at);
	case FIELD_ADDR:
		return json_string(addr_text((const void *)at, text));
	case FIELD_NUMBER:
		return field_number_json(arg, field_number_get(&arg->field, at));
	case FIELD_NOT:
		return json_boolean(!field_number_get(&arg->field, at));
	case FIELD_BIT:
		return field_number_json(
			arg, field_bit_index(arg, (uint32_t)field_number_get(&arg->field, at)));
	case FIELD_BITS:
		return field_bits_json(arg, (uint32_t)field_number_get(&arg->field, at));
	case FIELD_NAMES:
		return field_names_json(at);
	case FIELD_SLICE:
	case FIELD_PLUS_ONE:
	case FIELD_NONE:
		break;
	}
	return NULL;
}

static bool field_is_initial(const struct command_arg *arg, const void *value, const void *initial)
{
	return initial && !arg->required &&
	       !memcmp((const char *)value + arg->field.at, (const char *)initial + arg->field.at,
		       arg->field.size);
}

json_t *field_json(const struct command_arg *fields, const void *value, const void *initial)
{
	json_t *json = json_object();

	for (const struct command_arg *arg = fields; json && arg->name; arg++) {
		if (arg->field.kind && !field_is_initial(arg, value, initial) &&
		    json_object_set_new(json, arg->name, field_value_json(arg, value))) {
			json_decref(json);
			json = NULL;
		}
	}
	return json;
}

/* Words that name the kind of a reference. */
static const char *reference_kind(struct bytes word)
{
	static const char *const kinds[][2] = { { "flow", "flow" },     { "group", "group" },
						{ "queue", "queue" },   { "page", "page" },
						{ "prompt", "prompt" }, { "blf", "number" } };

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (bytes_is(word, kinds[i][0]))
			return kinds[i][1];
	}
	return NULL;
}

bool field_refers_next(const struct field *f, struct bytes *text, struct reference *out)
{
	struct bytes word;

	while (f->refers && bytes_cut(text, ',', &word)) {
		size_t equals = bytes_find(word, '=');
		size_t colon;

		if (equals < word.n)
			word = bytes_from(word, equals + 1);
		colon = bytes_find(word, ':');
		out->kind = reference_kind(bytes_sub(word, 0, colon));
		if (out->kind && colon < word.n)
			word = bytes_from(word, colon + 1);
		else if (f->refers[0] && (colon == word.n || f->weighted))
			out->kind = f->refers;
		else
			continue;
		out->name = bytes_trim(bytes_sub(word, 0, bytes_find(word, ':')));
		if (out->name.n && !bytes_is(out->name, "*") &&
		    bytes_find(out->name, '@') == out->name.n &&
		    bytes_find(out->name, '{') == out->name.n)
			return true;
	}
	return false;
}

void field_warn(const struct command_arg *fields, const void *value, json_t *out)
{
	for (const struct command_arg *a = fields; a->name; a++) {
		char text[512];
		struct writer w = writer_over(text, sizeof(text));

		if (!a->field.patterns)
			continue;
		writer_fmt(&w, "%s: ", a->name);
		if (!pattern_list_odd(bytes_str((const char *)value + a->field.at), &w) ||
		    w.overflow)
			continue;
		(void)json_array_append_new(out, command_text_json(writer_done(&w)));
	}
}

const char *field_flow_or_number_wrong(const void *value, const char *text)
{
	struct bytes name = bytes_from(bytes_str(text), sizeof("flow:") - 1);

	(void)value;
	if (!text[0] || (bytes_starts(bytes_str(text), "flow:") && name.n &&
			 command_allows(CHARSET_NAME, name)))
		return NULL;
	return command_allows(CHARSET_NUMBER, bytes_str(text)) ? NULL
							       : "it is flow:NAME or a number";
}
