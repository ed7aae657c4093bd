/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The book of a tenant's extensions, as a node tells them (app/feature/contact/contact_mirror.c).
 * What is told twice changes nothing, so entity tags and sync-tokens of the book stay as they are
 * over a restart, and whichever node tells it.
 */
#include "app/archive/contact/contact.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_member.h"

/* What a row is to become, and is. */
struct mirrored {
	json_t *before, *contact; /* contact NULL: it is to go */
	bool there;
};

static bool on_mirrored_card(const struct sql_value *row, void *arg)
{
	struct mirrored *m = arg;

	m->there = true;
	m->before = json_loadb((const char *)row[0].text.p, row[0].text.n, 0, NULL);
	return false;
}

/* A row without a picture leaves the stored one as it is. */
static int mirrored_photo(struct mirrored *m, const json_t *row, char why[SQL_WHY_MAX])
{
	json_t *photo = json_object_get(m->before, "photo");

	if (!json_object_get(row, "photo"))
		return photo ? json_object_set(m->contact, "photo", photo) : 0;
	return contact_read(m->contact, row, why);
}

/* As documents have them: their texts may be longer than those of contacts. The caller's; NULL: no
 * memory, or it has no name. */
static json_t *mirrored_contact(const json_t *given)
{
	static const char *const texts[] = { "name",       "first_name", "last_name",
					     "department", "title",      "uid" };
	static const char *const lists[] = { "phones", "emails" };
	json_t *contact = json_object();
	char why[SQL_WHY_MAX];

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		contact_text_set(contact, texts[i], archive_arg(given, texts[i]), CONTACT_NAME_MAX,
				 false);
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		if (json_array_size(json_object_get(given, lists[i])))
			(void)json_object_set(contact, lists[i], json_object_get(given, lists[i]));
	}
	if (contact_finish(contact, why)) {
		json_decref(contact);
		contact = NULL;
	}
	return contact;
}

static int mirrored_put(struct archive *a, struct contact_book book, const json_t *row,
			struct mirrored *m, char why[SQL_WHY_MAX])
{
	const struct sql_value key[] = { sql_text(book.tenant), sql_text(book.owner),
					 sql_text(archive_arg(row, "contact")) };
	struct dial_plan plan = { 0 };
	bool added;
	int err = sql_run(a->sql,
			  "SELECT card FROM contact WHERE tenant = $1 AND owner = $2 AND id = $3",
			  key, COUNT_OF(key), on_mirrored_card, m);

	if (!err && m->contact)
		err = mirrored_photo(m, row, why);
	if (err || (m->contact ? json_equal(m->contact, m->before) : !m->there))
		return err;
	if (!m->contact)
		return contact_remove(a, book, row, why);
	return contact_save(a, book, json_text(row, "contact"), m->contact, 0, &plan,
			    archive_arg_now(row), &added, why);
}

static int mirrored_row(struct archive *a, const json_t *row, char why[SQL_WHY_MAX])
{
	const json_t *card = json_object_get(row, "card");
	struct contact_book book = { archive_arg(row, "tenant"), BYTES_LIT(CONTACT_COLLEAGUES) };
	struct mirrored m = { .contact = card ? mirrored_contact(card) : NULL };
	int err = mirrored_put(a, book, row, &m, why);

	json_decref(m.before);
	json_decref(m.contact);
	return err;
}

/* Arguments: rows, a list of tenant, contact (its id), card and photo. Without card it is gone;
 * without photo that stays, and an empty one goes. */
int contact_mirror(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	int err = sql_begin(a->sql);
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(args, "rows"), i, row)
	{
		if (!err)
			err = mirrored_row(a, row, why);
	}
	if (!err)
		err = sql_commit(a->sql);
	sql_rollback(a->sql);
	if (!err)
		*result = json_object();
	return err;
}

/* ---- tenants and extensions that have rows ---- */

static bool on_mirrored_tenant(const struct sql_value *row, void *arg)
{
	*(json_t **)arg = json_stringn((const char *)row[0].text.p, row[0].text.n);
	return false;
}

static bool on_mirrored_id(const struct sql_value *row, void *arg)
{
	return json_array_append_new(arg, json_pack("[s%, s%]", row[0].text.p, row[0].text.n,
						    row[1].text.p, row[1].text.n)) == 0;
}

/* Arguments: tenant and after, where the answer before has ended; empty at first. Result: tenant,
 * and rows of it: id and number. Without rows there is no further one in that tenant, and without
 * tenant in any. */
int contact_mirrored(struct archive *a, const json_t *args, json_t **result, char why[SQL_WHY_MAX])
{
	struct sql_value params[] = { sql_text(archive_arg(args, "tenant")),
				      sql_text(archive_arg(args, "after")) };
	json_t *rows = json_array(), *tenant = json_incref(json_object_get(args, "tenant"));
	int err = sql_run(a->sql,
			  "SELECT id, number FROM contact WHERE tenant = $1 AND owner = "
			  "'" CONTACT_COLLEAGUES "' AND id > $2 ORDER BY id LIMIT 200",
			  params, COUNT_OF(params), on_mirrored_id, rows);

	(void)why;
	if (!err && !json_array_size(rows)) {
		json_decref(tenant);
		tenant = NULL;
		err = sql_run(a->sql,
			      "SELECT tenant FROM contact_book WHERE tenant > $1 AND owner = "
			      "'" CONTACT_COLLEAGUES "' ORDER BY tenant LIMIT 1",
			      params, 1, on_mirrored_tenant, &tenant);
	}
	if (err) {
		json_decref(tenant);
		json_decref(rows);
		return err;
	}
	*result = json_pack("{s:o*, s:o}", "tenant", tenant, "rows", rows);
	return *result ? 0 : -ENOMEM;
}
