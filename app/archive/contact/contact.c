/* SPDX-License-Identifier: Apache-2.0 */
/* What a contact is made of (contact.h), and what is refused. */

#include "app/archive/contact/contact.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/json_member.h"

const char *const contact_kinds[] = { "mobile", "landline", "work",  "home",
				      "fax",    "pager",    "other", NULL };
const char *const contact_email_kinds[] = { "work", "home", "other", NULL };

static const struct contact_member {
	const char *name;
	size_t most;
	bool lines;
} g_members[] = {
	{ "name", CONTACT_NAME_MAX, false },           { "first_name", CONTACT_NAME_MAX, false },
	{ "middle_name", CONTACT_NAME_MAX, false },    { "last_name", CONTACT_NAME_MAX, false },
	{ "prefix", CONTACT_NAME_MAX, false },         { "suffix", CONTACT_NAME_MAX, false },
	{ "company", CONTACT_NAME_MAX, false },        { "department", CONTACT_TEXT_MAX, false },
	{ "title", CONTACT_TEXT_MAX, false },          { "note", CONTACT_NOTE_MAX, true },
	{ "default_number", CONTACT_NAME_MAX, false }, { "line", CONTACT_NAME_MAX, false },
	{ "photo", CONTACT_PHOTO_MAX, false },
};

const char *contact_text(const json_t *contact, const char *member)
{
	const char *text = json_string_value(json_object_get(contact, member));

	return text ? text : "";
}

static int contact_wrong(char why[SQL_WHY_MAX], const char *member, const char *is)
{
	(void)snprintf(why, SQL_WHY_MAX, "%s %s", member, is);
	return -EINVAL;
}

/* ---- texts ---- */

static bool text_is_good(struct bytes text, bool lines)
{
	for (size_t i = 0; i < text.n; i++) {
		if ((text.p[i] < 0x20 && !(lines && text.p[i] == '\n')) || text.p[i] == 0x7f)
			return false;
	}
	return true;
}

/* jansson takes valid UTF-8 alone. */
static int json_member_read(json_t *to, const json_t *given, const char *name, size_t most,
			    bool lines, char why[SQL_WHY_MAX])
{
	json_t *value = json_object_get(given, name);
	struct bytes text = bytes_mem(json_string_value(value), json_string_length(value));

	if (!value)
		return 0;
	if (!json_is_string(value) || text.n > most || !text_is_good(text, lines)) {
		(void)snprintf(why, SQL_WHY_MAX, "%s is a text of %zu octets at most", name, most);
		return -EINVAL;
	}
	if (!text.n)
		(void)json_object_del(to, name);
	else if (json_object_set(to, name, value))
		return -ENOMEM;
	return 0;
}

static struct bytes contact_cut(struct bytes text, size_t most)
{
	text = bytes_trim(text);
	if (text.n > most) {
		text.n = most;
		while (text.n && (text.p[text.n] & 0xc0) == 0x80)
			text.n--;
	}
	return bytes_trim(text);
}

void contact_text_set(json_t *contact, const char *member, struct bytes text, size_t most,
		      bool lines)
{
	char *room;

	text = contact_cut(text, most);
	room = text.n ? malloc(text.n) : NULL;
	if (!room)
		return;
	for (size_t i = 0; i < text.n; i++)
		room[i] = text_is_good(bytes_sub(text, i, 1), lines) ? (char)text.p[i] : ' ';
	text = bytes_trim(bytes_mem(room, text.n));
	if (text.n)
		(void)json_object_set_new(contact, member,
					  json_stringn((const char *)text.p, text.n));
	free(room);
}

/* ---- numbers and addresses ---- */

static bool kind_is_one(const char *const *kinds, const char *kind)
{
	while (*kinds && strcmp(*kinds, kind) != 0)
		kinds++;
	return *kinds;
}

/* A parameter in a file: it ends neither its line nor its property. */
static bool params_are_good(const char *text)
{
	bool quoted = false;

	for (const char *p = text; *p; p++) {
		quoted ^= *p == '"';
		if (*p == ':' && !quoted)
			return false;
	}
	return !quoted && (!*text || *text == ';');
}

static bool group_is_good(const char *text)
{
	return !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789-")];
}

/* One of phones or of emails: a text, or an object. */
static int item_read(json_t *list, const json_t *given, const char *what, const char *const *kinds,
		     char why[SQL_WHY_MAX])
{
	json_t *item = json_object();
	bool phone = !strcmp(what, "number");
	size_t most = phone ? CONTACT_NAME_MAX : CONTACT_TEXT_MAX;
	const char *text;
	int err;

	if (json_is_string(given)) {
		json_t *object = json_pack("{s:O}", what, given);

		err = json_member_read(item, object, what, most, false, why);
		json_decref(object);
	} else {
		err = json_member_read(item, given, what, most, false, why);
	}
	if (!err)
		err = json_member_read(item, given, "kind", CONTACT_NAME_MAX, false, why);
	if (!err)
		err = json_member_read(item, given, "params", CONTACT_TEXT_MAX, false, why);
	if (!err)
		err = json_member_read(item, given, "group", CONTACT_NAME_MAX, false, why);
	text = contact_text(item, what);
	if (!err && (!text[0] || (phone && !strpbrk(text, "0123456789"))))
		err = contact_wrong(why, phone ? "phones" : "emails",
				    phone ? "have a number with digits each"
					  : "have an address each");
	if (!err && !json_object_get(item, "kind"))
		(void)json_object_set_new(item, "kind", json_string("other"));
	if (!err && !kind_is_one(kinds, contact_text(item, "kind")))
		err = contact_wrong(why, phone ? "kind of phones" : "kind of emails",
				    phone ? "is mobile, landline, work, home, fax, pager or other"
					  : "is work, home or other");
	if (!err && (!params_are_good(contact_text(item, "params")) ||
		     !group_is_good(contact_text(item, "group"))))
		err = contact_wrong(why, "params, or group", "a vCard has no such value");
	if (err)
		json_decref(item);
	else
		(void)json_array_append_new(list, item);
	return err;
}

static int items_collect(json_t *contact, const json_t *given, const char *member, const char *what,
			 const char *const *kinds, size_t most, char why[SQL_WHY_MAX])
{
	json_t *items = json_object_get(given, member), *list, *one;
	int err = 0;
	size_t i;

	if (!items)
		return 0;
	if (!json_is_array(items) || json_array_size(items) > most) {
		(void)snprintf(why, SQL_WHY_MAX, "%s is a list of %zu at most", member, most);
		return -EINVAL;
	}
	list = json_array();
	json_array_foreach(items, i, one)
	{
		if (!err)
			err = item_read(list, one, what, kinds, why);
	}
	if (!err && json_array_size(list))
		err = json_object_set(contact, member, list) ? -ENOMEM : 0;
	else if (!err)
		(void)json_object_del(contact, member);
	json_decref(list);
	return err;
}

/* ---- the whole ---- */

static bool contact_has_number(const json_t *contact, const char *number)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(contact, "phones"), i, one)
	{
		if (!strcmp(contact_text(one, "number"), number))
			return true;
	}
	return false;
}

const char *contact_main_number(const json_t *contact)
{
	const char *number = contact_text(contact, "default_number");

	return number[0] ? number
			 : contact_text(json_array_get(json_object_get(contact, "phones"), 0),
					"number");
}

/* Behind a name, a blank and the next one. */
static void name_join(char out[2 * CONTACT_NAME_MAX + 2], const char *first, const char *last)
{
	(void)snprintf(out, 2 * CONTACT_NAME_MAX + 2, "%s%s%s", first,
		       first[0] && last[0] ? " " : "", last);
}

int contact_finish(json_t *contact, char why[SQL_WHY_MAX])
{
	char name[2 * CONTACT_NAME_MAX + 2];
	const char *number = contact_text(contact, "default_number");

	if (!json_object_get(contact, "name")) {
		name_join(name, contact_text(contact, "first_name"),
			  contact_text(contact, "last_name"));
		contact_text_set(contact, "name",
				 bytes_str(name[0] ? name : contact_text(contact, "company")),
				 CONTACT_NAME_MAX, false);
	}
	if (!json_object_get(contact, "name"))
		return contact_wrong(why, "a contact",
				     "has a name: name, first_name, last_name or company");
	if (number[0] && !contact_has_number(contact, number))
		(void)json_object_del(contact, "default_number");
	return 0;
}

static int contact_photo_check(json_t *contact, char why[SQL_WHY_MAX])
{
	struct bytes text = bytes_str(contact_text(contact, "photo"));
	char *room = text.n ? malloc(CONTACT_PHOTO_MAX) : NULL;
	struct writer w = writer_over(room, CONTACT_PHOTO_MAX);
	int err = 0;

	if (!text.n)
		return 0;
	if (!room)
		return -ENOMEM;
	if (photo_write_kept(&w, text))
		err = json_object_set_new(contact, "photo", json_stringn(room, w.n)) ? -ENOMEM : 0;
	else
		err = contact_wrong(why, "photo",
				    "is a JPEG or PNG of at most 4096 pixels a side as "
				    "data:image/...;base64,..., or a link of http or https");
	free(room);
	return err;
}

int contact_read(json_t *contact, const json_t *given, char why[SQL_WHY_MAX])
{
	int err = 0;

	for (size_t i = 0; !err && i < COUNT_OF(g_members); i++)
		err = json_member_read(contact, given, g_members[i].name, g_members[i].most,
				       g_members[i].lines, why);
	if (!err && json_object_get(given, "photo"))
		err = contact_photo_check(contact, why);
	if (!err)
		err = items_collect(contact, given, "phones", "number", contact_kinds,
				    CONTACT_PHONES_MAX, why);
	if (!err)
		err = items_collect(contact, given, "emails", "address", contact_email_kinds,
				    CONTACT_EMAILS_MAX, why);
	if (!err && contact_text(given, "default_number")[0] &&
	    !contact_has_number(contact, contact_text(given, "default_number")))
		err = contact_wrong(why, "default_number", "is one of its numbers");
	return err ? err : contact_finish(contact, why);
}

/* ---- its plan ---- */

void contact_plan(struct dial_plan *out, const json_t *args)
{
	const json_t *plan = json_object_get(args, "plan");

	*out = (struct dial_plan){ .area_digits = (uint8_t)json_count(plan, "area_digits") };
#define TAKE(member) (void)bytes_cstr(archive_arg(plan, #member), out->member, sizeof(out->member))
	TAKE(country);
	TAKE(area);
	TAKE(national_prefix);
	TAKE(international_prefix);
	TAKE(access);
#undef TAKE
}

/* ---- its id ---- */

static bool id_is_good(struct bytes id)
{
	for (size_t i = 0; i < id.n; i++) {
		uint8_t c = id.p[i];

		if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') &&
		    (!c || !strchr("._-", c)))
			return false;
	}
	return id.n && id.n < CONTACT_ID_MAX && id.p[0] != '.';
}

void contact_id(char out[CONTACT_ID_MAX], const json_t *contact)
{
	struct bytes uid = bytes_str(contact_text(contact, "uid"));
	uint8_t hash[EVP_MAX_MD_SIZE] = { 0 };
	char said[3 * CONTACT_NAME_MAX + 4];
	struct writer w = writer_over(out, CONTACT_ID_MAX - 1);
	unsigned n = 0;

	if (bytes_istarts(uid, "urn:uuid:"))
		uid = bytes_from(uid, sizeof("urn:uuid:") - 1);
	if (id_is_good(uid)) {
		(void)bytes_cstr(uid, out, CONTACT_ID_MAX);
		return;
	}
	(void)snprintf(said, sizeof(said), "%s\n%s\n%s", contact_text(contact, "name"),
		       contact_text(contact, "company"), contact_main_number(contact));
	if (!uid.n)
		uid = bytes_str(said);
	(void)EVP_Digest(uid.p, uid.n, hash, &n, EVP_sha256(), NULL);
	writer_hex(&w, bytes_mem(hash, 16));
	out[w.n] = '\0';
}
