/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vCards of versions 3 (RFC 2426) and 4 (RFC 6350), as phones, mail programs and address books
 * write them. Lines are unfolded one by one; what means nothing here is kept as it came, so that
 * who reads a card and writes it loses nothing. A card that is broken costs itself alone. Files are
 * anybody's: all is bounded, and fuzzed.
 */
#include "app/archive/contact/contact.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

enum {
	FOLD_AT = 75,
	CARD_LINES_MAX = 512,
	PARTS_MAX = 5,
	PHOTO_TYPE_MAX = 32,
	VALUE_ROOM = CONTACT_NOTE_MAX + 64,
	LINE_ROOM = CONTACT_PHOTO_MAX + 64,
};

/* ---- lines ---- */

int vcard_open(struct vcard_reader *r, struct bytes file)
{
	if (bytes_starts(file, "\xef\xbb\xbf"))
		file = bytes_from(file, 3);
	*r = (struct vcard_reader){ .rest = file, .text = malloc(file.n + 1) };
	return r->text ? 0 : -ENOMEM;
}

void vcard_close(struct vcard_reader *r)
{
	free(r->text);
	r->text = NULL;
}

static bool next_is_folded(struct bytes rest)
{
	return rest.n && (rest.p[0] == ' ' || rest.p[0] == '\t');
}

/* The next line with all that is folded behind it. Control characters are blanks. False: none. */
static bool line_next(struct vcard_reader *r, struct bytes *line)
{
	struct writer w = writer_over(r->text, r->rest.n);
	struct bytes part;
	bool folded = false;

	if (!r->rest.n)
		return false;
	do {
		size_t n = bytes_find(r->rest, '\n');

		part = bytes_sub(r->rest, folded, n - folded);
		r->rest = bytes_from(r->rest, n + 1);
		r->line++;
		if (part.n && part.p[part.n - 1] == '\r')
			part.n--;
		for (size_t i = 0; i < part.n; i++)
			writer_u8(&w, part.p[i] < 0x20 || part.p[i] == 0x7f ? ' ' : part.p[i]);
		folded = true;
	} while (next_is_folded(r->rest));
	*line = writer_done(&w);
	return true;
}

static bool name_is_good(struct bytes name)
{
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];

		if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-')
			return false;
	}
	return name.n;
}

/* [group "."] name *(";" param) ":" value, where a quoted parameter may have ':' and ';' */
static bool line_split(struct bytes whole, struct vcard_property *out)
{
	bool quoted = false;
	size_t end = 0, colon, dot;

	while (end < whole.n && whole.p[end] != ';' && whole.p[end] != ':')
		end++;
	for (colon = end; colon < whole.n && (quoted || whole.p[colon] != ':'); colon++)
		quoted ^= whole.p[colon] == '"';
	if (colon == whole.n)
		return false;
	*out = (struct vcard_property){ .whole = whole,
					.name = bytes_sub(whole, 0, end),
					.params = bytes_sub(whole, end, colon - end),
					.value = bytes_from(whole, colon + 1) };
	dot = bytes_find(out->name, '.');
	if (dot < out->name.n) {
		out->group = bytes_sub(out->name, 0, dot);
		out->name = bytes_from(out->name, dot + 1);
	}
	return name_is_good(out->name) && (dot >= end || name_is_good(out->group));
}

bool vcard_property_next(struct vcard_reader *r, struct vcard_property *out)
{
	struct bytes line;

	while (line_next(r, &line)) {
		if (line_split(line, out))
			return true;
	}
	return false;
}

/* The next parameter, or the next value of one: without quotes. */
static bool cut_unquoted(struct bytes *rest, uint8_t sep, struct bytes *part)
{
	bool quoted = false;
	size_t n = 0;

	if (!rest->n)
		return false;
	while (n < rest->n && (quoted || rest->p[n] != sep))
		quoted ^= rest->p[n++] == '"';
	*part = bytes_sub(*rest, 0, n);
	*rest = bytes_from(*rest, n + 1);
	return true;
}

static struct bytes unquoted(struct bytes text)
{
	if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"')
		return bytes_sub(text, 1, text.n - 2);
	return text;
}

/* The value of a parameter by its name. False: it has none. */
static bool vcard_param_find(struct bytes params, const char *wanted, struct bytes *value)
{
	struct bytes one, name;

	while (cut_unquoted(&params, ';', &one)) {
		if (!bytes_cut(&one, '=', &name) || !bytes_iis(name, wanted))
			continue;
		*value = unquoted(one);
		return true;
	}
	return false;
}

/* ---- values ---- */

/* Up to an unescaped sep, or to the end: RFC 6350 3.4. False: nothing is left. */
static bool vcard_value_cut(struct bytes *rest, char sep, struct writer *w)
{
	size_t i = 0;

	if (!rest->p)
		return false;
	for (; i < rest->n && (char)rest->p[i] != sep; i++) {
		uint8_t c = rest->p[i];

		if (c == '\\' && i + 1 < rest->n) {
			c = rest->p[++i];
			c = c == 'n' || c == 'N' ? '\n' : c;
		}
		if (w->n + 1 < w->cap)
			writer_u8(w, c);
	}
	*rest = i < rest->n ? bytes_from(*rest, i + 1) : (struct bytes){ 0 };
	return true;
}

static void vcard_text_read(json_t *contact, const char *member, struct bytes value, size_t most)
{
	char room[VALUE_ROOM];
	struct writer w = writer_over(room, sizeof(room));

	if (vcard_value_cut(&value, '\0', &w))
		contact_text_set(contact, member, writer_done(&w), most, !strcmp(member, "note"));
}

/* The parts of N and ORG; what is behind the last one is of it, too. */
static void parts_collect(json_t *contact, struct bytes value, const char *const *members,
			  size_t count)
{
	for (size_t i = 0; i < count && value.p; i++) {
		char room[VALUE_ROOM];
		struct writer w = writer_over(room, sizeof(room));

		(void)vcard_value_cut(&value, i + 1 < count ? ';' : '\0', &w);
		contact_text_set(contact, members[i], writer_done(&w),
				 strcmp(members[i], "department") != 0 ? CONTACT_NAME_MAX
								       : CONTACT_TEXT_MAX,
				 false);
	}
}

static const char *const g_n_members[PARTS_MAX] = { "last_name", "first_name", "middle_name",
						    "prefix", "suffix" };
static const char *const g_org_members[] = { "company", "department" };

/* ---- types of numbers and addresses ---- */

/* A type, and the kind that it is; of several the first one here counts. */
static const struct vcard_type {
	const char *type, *kind;
} g_phone_types[] = {
	{ "fax", "fax" },   { "pager", "pager" }, { "cell", "mobile" },
	{ "work", "work" }, { "home", "home" },   { "voice", "landline" },
};
static const struct vcard_type g_email_types[] = { { "work", "work" }, { "home", "home" } };

struct vcard_types {
	const struct vcard_type *all;
	size_t count;
	size_t best; /* count: none yet */
	bool preferred;
	struct writer params; /* parameters that are kept as they came */
};

static void type_keep(struct vcard_types *t, const char *name, struct bytes value)
{
	size_t before = t->params.n;

	WRITER_TEXTS(&t->params, ";", name);
	writer_bytes(&t->params, value);
	if (t->params.overflow) {
		t->params.overflow = false;
		t->params.n = before;
	}
}

static void type_read(struct vcard_types *t, struct bytes type)
{
	size_t i = 0;

	if (bytes_iis(type, "pref")) {
		t->preferred = true;
		return;
	}
	if (bytes_iis(type, "internet") && t->all == g_email_types)
		return; /* RFC 2426: what it is anyway */
	while (i < t->count && !bytes_iis(type, t->all[i].type))
		i++;
	if (i == t->count || i == t->best) {
		if (i == t->count)
			type_keep(t, "TYPE=", type);
		return;
	}
	if (i < t->best && t->best < t->count)
		type_keep(t, "TYPE=", bytes_str(t->all[t->best].type));
	if (i < t->best)
		t->best = i;
	else
		type_keep(t, "TYPE=", bytes_str(t->all[i].type));
}

static void types_read(struct vcard_types *t, struct bytes params)
{
	struct bytes one, name, type, value;

	while (cut_unquoted(&params, ';', &one)) {
		value = one;
		if (bytes_find(one, '=') == one.n) {
			if (name_is_good(one)) /* as of version 2.1: TEL;CELL: */
				type_read(t, one);
		} else if (bytes_cut(&value, '=', &name) && bytes_iis(name, "TYPE")) {
			value = unquoted(value);
			while (bytes_cut(&value, ',', &type)) {
				if (name_is_good(unquoted(type)))
					type_read(t, unquoted(type));
			}
		} else if (bytes_iis(name, "PREF")) {
			t->preferred = true;
		} else if (name_is_good(name) && !bytes_iis(name, "VALUE")) {
			type_keep(t, "", one);
		}
	}
}

/* What is behind the scheme of a URI. */
static void phone_number_read(json_t *item, struct bytes value)
{
	char room[VALUE_ROOM];
	struct writer w = writer_over(room, sizeof(room));
	struct bytes text;

	(void)vcard_value_cut(&value, '\0', &w);
	text = writer_done(&w);
	while (bytes_istarts(text, "tel:"))
		text = bytes_from(text, 4);
	contact_text_set(item, "number", text, CONTACT_NAME_MAX, false);
}

/* False: it is kept as it came. */
static bool item_take_line(json_t *contact, const struct vcard_property *l, bool phone)
{
	const char *list = phone ? "phones" : "emails", *what = phone ? "number" : "address";
	json_t *items = json_object_get(contact, list), *item = json_object();
	char room[CONTACT_TEXT_MAX + 1];
	struct vcard_types t = { .all = phone ? g_phone_types : g_email_types,
				 .count = phone ? COUNT_OF(g_phone_types) : COUNT_OF(g_email_types),
				 .params = writer_over(room, CONTACT_TEXT_MAX) };

	t.best = t.count;
	types_read(&t, l->params);
	if (phone)
		phone_number_read(item, l->value);
	else
		vcard_text_read(item, what, l->value, CONTACT_TEXT_MAX);
	if (!contact_text(item, what)[0] ||
	    (phone && !strpbrk(contact_text(item, what), "0123456789")) ||
	    json_array_size(items) == (phone ? CONTACT_PHONES_MAX : CONTACT_EMAILS_MAX)) {
		json_decref(item);
		return false;
	}
	(void)json_object_set_new(item, "kind",
				  json_string(t.best < t.count ? t.all[t.best].kind : "other"));
	contact_text_set(item, "params", writer_done(&t.params), CONTACT_TEXT_MAX, false);
	contact_text_set(item, "group", l->group, CONTACT_NAME_MAX, false);
	if (!items) {
		items = json_array();
		(void)json_object_set_new(contact, list, items);
	}
	if (phone && t.preferred && !json_object_get(contact, "default_number"))
		(void)json_object_set(contact, "default_number", json_object_get(item, what));
	(void)json_array_append_new(items, item);
	return true;
}

/* ---- pictures ---- */

#define DATA   "data:image/"
#define BASE64 ";base64,"

/* Version 3 has octets behind ENCODING=b, version 4 a URI. False: it is kept as it came. */
static bool photo_read(json_t *contact, const struct vcard_property *l)
{
	struct bytes encoding = { 0 }, type = BYTES_LIT("jpeg");
	char *room = json_object_get(contact, "photo") ? NULL : malloc(CONTACT_PHOTO_MAX);
	char *kept = room ? malloc(CONTACT_PHOTO_MAX) : NULL;
	struct writer w = writer_over(room, room ? CONTACT_PHOTO_MAX : 0);
	struct writer k = writer_over(kept, kept ? CONTACT_PHOTO_MAX : 0);
	bool is;

	(void)vcard_param_find(l->params, "ENCODING", &encoding);
	(void)vcard_param_find(l->params, "TYPE", &type);
	if (bytes_iis(encoding, "b") || bytes_iis(encoding, "base64")) {
		writer_str(&w, DATA);
		for (size_t i = 0; i < type.n && i < PHOTO_TYPE_MAX; i++)
			writer_u8(&w, name_is_good(bytes_sub(type, i, 1)) ? type.p[i] | 0x20 : '-');
		writer_str(&w, BASE64);
	}
	for (size_t i = 0; i < l->value.n; i++) {
		if (l->value.p[i] != ' ' && l->value.p[i] != '\\')
			writer_u8(&w, l->value.p[i]);
	}
	is = w.n && !w.overflow && photo_write_kept(&k, writer_done(&w));
	if (is)
		(void)json_object_set_new(contact, "photo", json_stringn(kept, k.n));
	free(kept);
	free(room);
	return is;
}

/* The type and the octets of a picture within its URI. False: it is a link, or of other form. */
static bool photo_data(struct bytes photo, struct bytes *type, struct bytes *data)
{
	if (!bytes_starts(photo, DATA))
		return false;
	photo = bytes_from(photo, sizeof(DATA) - 1);
	*type = bytes_sub(photo, 0, bytes_find(photo, ';'));
	*data = bytes_from(photo, type->n);
	for (size_t i = 0; i < type->n; i++) {
		if (type->p[i] >= 'A' && type->p[i] <= 'Z')
			return false;
	}
	if (!name_is_good(*type) || type->n > PHOTO_TYPE_MAX || !bytes_starts(*data, BASE64))
		return false;
	*data = bytes_from(*data, sizeof(BASE64) - 1);
	return data->n;
}

static void photo_write(struct writer *w, const char *photo, int version)
{
	struct bytes type, data;

	if (version == 4 || !photo_data(bytes_str(photo), &type, &data)) {
		WRITER_TEXTS(w, version == 4 ? "PHOTO:" : "PHOTO;VALUE=uri:", photo);
		return;
	}
	writer_str(w, "PHOTO;ENCODING=b;TYPE=");
	writer_bytes(w, type);
	writer_u8(w, ':');
	writer_bytes(w, data);
}

/* ---- a card ---- */

struct vcard_card {
	json_t *contact;
	struct writer kept;
	bool n; /* it has been there */
};

static void line_keep(struct vcard_card *c, struct bytes line)
{
	size_t before = c->kept.n;

	if (c->kept.n)
		writer_u8(&c->kept, '\n');
	writer_bytes(&c->kept, line);
	if (c->kept.overflow) {
		c->kept.overflow = false;
		c->kept.n = before;
	}
}

static bool text_once(struct vcard_card *c, const char *member, struct bytes value, size_t most)
{
	if (json_object_get(c->contact, member))
		return false;
	vcard_text_read(c->contact, member, value, most);
	return json_object_get(c->contact, member);
}

/* False: it is kept as it came. */
static bool property_read(struct vcard_card *c, const struct vcard_property *l)
{
	if (bytes_iis(l->name, "FN"))
		return text_once(c, "name", l->value, CONTACT_NAME_MAX);
	if (bytes_iis(l->name, "N") && !c->n) {
		parts_collect(c->contact, l->value, g_n_members, PARTS_MAX);
		return c->n = true;
	}
	if (bytes_iis(l->name, "ORG") && !json_object_get(c->contact, "company") &&
	    !json_object_get(c->contact, "department")) {
		parts_collect(c->contact, l->value, g_org_members, 2);
		return true;
	}
	if (bytes_iis(l->name, "TITLE"))
		return text_once(c, "title", l->value, CONTACT_TEXT_MAX);
	if (bytes_iis(l->name, "NOTE"))
		return l->value.n <= CONTACT_NOTE_MAX &&
		       text_once(c, "note", l->value, CONTACT_NOTE_MAX);
	if (bytes_iis(l->name, "UID"))
		return text_once(c, "uid", l->value, CONTACT_TEXT_MAX);
	if (bytes_iis(l->name, "REV"))
		return text_once(c, "rev", l->value, CONTACT_NAME_MAX);
	if (bytes_iis(l->name, "TEL"))
		return item_take_line(c->contact, l, true);
	if (bytes_iis(l->name, "EMAIL"))
		return item_take_line(c->contact, l, false);
	if (bytes_iis(l->name, "PHOTO"))
		return photo_read(c->contact, l);
	return bytes_iis(l->name, "PRODID");
}

/* What is wrong with a line, or NULL. */
static const char *line_wrong(struct bytes line, struct vcard_property *l, uint32_t lines)
{
	if (!utf8_is(line))
		return "it is not UTF-8";
	if (!line_split(line, l))
		return "it is no NAME:VALUE";
	if (lines > CARD_LINES_MAX)
		return "a card has 512 lines at most";
	if (bytes_iis(l->name, "BEGIN"))
		return "a card within a card";
	if (bytes_iis(l->name, "VERSION") && !bytes_is(bytes_trim(l->value), "3.0") &&
	    !bytes_is(bytes_trim(l->value), "4.0"))
		return "cards of versions 3.0 and 4.0 are read";
	return NULL;
}

static int card_wrong(const struct vcard_reader *r, char why[SQL_WHY_MAX], const char *wrong)
{
	if (!why[0])
		(void)snprintf(why, SQL_WHY_MAX, "line %u: %s", r->line, wrong);
	return -EBADMSG;
}

/* To END. why: of the first line that is wrong. */
static int card_lines(struct vcard_reader *r, struct vcard_card *c, char why[SQL_WHY_MAX])
{
	struct vcard_property l = { 0 };
	bool version = false;
	uint32_t lines = 0;
	struct bytes line;
	int err = 0;

	while (line_next(r, &line)) {
		const char *wrong;

		if (!bytes_trim(line).n)
			continue;
		wrong = line_wrong(line, &l, ++lines);
		if (wrong)
			err = card_wrong(r, why, wrong);
		else if (bytes_iis(l.name, "END"))
			return err || version ? err : card_wrong(r, why, "the card has no VERSION");
		else if (bytes_iis(l.name, "VERSION"))
			version = true;
		else if (!err && !property_read(c, &l))
			line_keep(c, l.whole);
	}
	return card_wrong(r, why, "the card has no END");
}

static int card_read(struct vcard_reader *r, struct vcard_card *c, char why[SQL_WHY_MAX])
{
	uint32_t begin = r->line;
	char wrong[SQL_WHY_MAX / 2] = "";
	int err;

	why[0] = '\0';
	err = card_lines(r, c, why);
	if (err)
		return err;
	if (c->kept.n)
		(void)json_object_set_new(c->contact, "kept",
					  json_stringn((const char *)c->kept.p, c->kept.n));
	if (!contact_finish(c->contact, why))
		return 0;
	(void)snprintf(wrong, sizeof(wrong), "%.120s", why);
	(void)snprintf(why, SQL_WHY_MAX, "line %u: %s", begin, wrong);
	return -EBADMSG;
}

int vcard_read(struct vcard_reader *r, json_t **contact, char why[SQL_WHY_MAX])
{
	struct vcard_card c = { 0 };
	struct bytes line;
	struct vcard_property l;
	char *kept;
	int err;

	*contact = NULL;
	do {
		if (!line_next(r, &line))
			return 0;
		line = bytes_trim(line);
	} while (!line.n);
	if (!line_split(line, &l) || !bytes_iis(l.name, "BEGIN") ||
	    !bytes_iis(bytes_trim(l.value), "VCARD")) {
		(void)snprintf(why, SQL_WHY_MAX, "line %u: a card begins with BEGIN:VCARD",
			       r->line);
		return -EBADMSG;
	}
	kept = malloc(CONTACT_KEPT_MAX);
	c.contact = json_object();
	c.kept = writer_over(kept, CONTACT_KEPT_MAX);
	err = kept && c.contact ? card_read(r, &c, why) : -ENOMEM;
	free(kept);
	if (err)
		json_decref(c.contact);
	else
		*contact = c.contact;
	return err;
}

/* ---- writing ---- */

/* Folded at 75 octets, never within a character. */
static void vcard_line_write(struct writer *w, struct bytes line)
{
	size_t room = FOLD_AT;

	while (line.n > room) {
		size_t n = room;

		while (n && (line.p[n] & 0xc0) == 0x80)
			n--;
		writer_bytes(w, bytes_sub(line, 0, n));
		writer_str(w, "\r\n ");
		line = bytes_from(line, n);
		room = FOLD_AT - 1;
	}
	writer_bytes(w, line);
	writer_str(w, "\r\n");
}

static void vcard_value_write(struct writer *w, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			writer_str(w, "\\n");
		else
			WRITER_TEXTS(w, strchr("\\,;", *text) ? "\\" : "", (char[]){ *text, 0 });
	}
}

/* A line is made in whole, and then folded. */
struct vcard_writer {
	struct writer *out;
	struct writer line;
};

static void line_end(struct vcard_writer *w)
{
	if (!w->line.overflow)
		vcard_line_write(w->out, writer_done(&w->line));
	w->line.n = 0;
	w->line.overflow = false;
}

static void property_write(struct vcard_writer *w, const char *name, const char *value)
{
	if (!value[0])
		return;
	WRITER_TEXTS(&w->line, name, ":");
	vcard_value_write(&w->line, value);
	line_end(w);
}

static void property_parts_write(struct vcard_writer *w, const json_t *contact, const char *name,
				 const char *const *members, size_t count, bool always)
{
	size_t last = 0;

	for (size_t i = 0; i < count; i++)
		last = contact_text(contact, members[i])[0] ? i + 1 : last;
	if (!last && !always)
		return;
	WRITER_TEXTS(&w->line, name, ":");
	for (size_t i = 0; i < (always ? count : last); i++) {
		writer_str(&w->line, i ? ";" : "");
		vcard_value_write(&w->line, contact_text(contact, members[i]));
	}
	line_end(w);
}

static void item_write(struct vcard_writer *w, const json_t *item, bool phone, bool preferred,
		       int version)
{
	const struct vcard_type *types = phone ? g_phone_types : g_email_types;
	size_t count = phone ? COUNT_OF(g_phone_types) : COUNT_OF(g_email_types), i = 0;
	const char *group = contact_text(item, "group");

	while (i < count && strcmp(types[i].kind, contact_text(item, "kind")) != 0)
		i++;
	WRITER_TEXTS(&w->line, group, group[0] ? "." : "", phone ? "TEL" : "EMAIL");
	if (i < count)
		WRITER_TEXTS(&w->line, ";TYPE=", types[i].type);
	writer_str(&w->line, contact_text(item, "params"));
	if (preferred)
		writer_str(&w->line, version == 4 ? ";PREF=1" : ";TYPE=pref");
	writer_u8(&w->line, ':');
	vcard_value_write(&w->line, contact_text(item, phone ? "number" : "address"));
	line_end(w);
}

static void items_write(struct vcard_writer *w, const json_t *contact, bool phone, int version)
{
	const char *preferred = contact_text(contact, "default_number");
	bool said = !phone;
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(contact, phone ? "phones" : "emails"), i, one)
	{
		bool is = !said && preferred[0] && !strcmp(preferred, contact_text(one, "number"));

		said |= is;
		item_write(w, one, phone, is, version);
	}
}

void vcard_write(struct writer *out, const json_t *contact, int version, const char *uid,
		 const char *rev)
{
	char *room = malloc(LINE_ROOM);
	struct vcard_writer w = { out, writer_over(room, LINE_ROOM) };
	struct bytes kept = bytes_str(contact_text(contact, "kept")), line;
	const char *own = contact_text(contact, "uid"), *was = contact_text(contact, "rev");

	if (!room) {
		out->overflow = true;
		return;
	}
	WRITER_TEXTS(out, "BEGIN:VCARD\r\nVERSION:", version == 4 ? "4.0" : "3.0", "\r\n");
	property_write(&w, "UID", own[0] ? own : uid);
	property_write(&w, "FN", contact_text(contact, "name"));
	property_parts_write(&w, contact, "N", g_n_members, PARTS_MAX, true);
	property_parts_write(&w, contact, "ORG", g_org_members, 2, false);
	property_write(&w, "TITLE", contact_text(contact, "title"));
	items_write(&w, contact, true, version);
	items_write(&w, contact, false, version);
	property_write(&w, "NOTE", contact_text(contact, "note"));
	if (json_object_get(contact, "photo")) {
		photo_write(&w.line, contact_text(contact, "photo"), version);
		line_end(&w);
	}
	property_write(&w, "REV", was[0] ? was : rev);
	while (bytes_cut(&kept, '\n', &line))
		vcard_line_write(out, line);
	writer_str(out, "END:VCARD\r\n");
	free(room);
}
