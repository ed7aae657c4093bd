/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is logged in at a device. A device with a password of its own is a phone of its extension, or
 * of the one that has logged in there. The login is part of its document: all nodes have it, and it
 * outlives any of them. It has an epoch, the time when it began. Of two logins of an extension that
 * has one phone alone the later one counts, at all nodes alike, and the other one is logged out. It
 * has a deadline, too. The shards know each device by an account (sig/host/devices.h).
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "app/command/command_extension.h"
#include "app/command/command_start.h"
#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/provision/device.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "base/log.h"
#include "sig/host/tenant_tables.h"
#include "sig/location/locations.h"
#include "sig/shard/shared_tables.h"

#define HOUR_MS        UINT64_C(3600000)
#define LOGIN_AGAIN_NS NS_PER_S /* a login that is over is deleted, by one node or another */

/* Of those that a start has loaded, one is looked at in each beat: a search through all devices. */
static uint64_t g_checked_ns;

static struct table *device_accounts(struct node *n)
{
	return &n->common.shared_tables->devices;
}

/* ---- the password ---- */

static struct bytes device_context(const char *tenant, const char *mac,
				   char out[DEVICE_CONTEXT_MAX])
{
	struct writer w = writer_over(out, DEVICE_CONTEXT_MAX);

	WRITER_TEXTS(&w, "device ", tenant, " ", mac);
	return writer_done(&w);
}

bool device_password_seal(struct command_run *run, struct device_value *v, struct bytes password)
{
	char context[DEVICE_CONTEXT_MAX];

	if (!form_secret_seal(v->password, device_context(run->tenant, v->mac, context), password,
			      &run->node->extension_seal, &run->node->rand))
		return true;
	command_fail(run, COMMAND_BAD_ARGUMENT, "password", "it cannot be sealed");
	return false;
}

static bool device_password_keep(struct command_run *run, struct device_value *v)
{
	const struct command_value *given = command_value(run, "password");

	if (!given->given)
		return true;
	explicit_bzero(v->password, sizeof(v->password));
	return bytes_is(given->text, "off") || device_password_seal(run, v, given->text);
}

static int device_password_open(struct node *n, uint16_t tenant, const struct device_value *v,
				char *out, size_t size)
{
	char context[DEVICE_CONTEXT_MAX];

	return form_secret_open(
		out, size, device_context(tenants_name(n->common.tenants, tenant), v->mac, context),
		v->password, &n->extension_seal);
}

void device_password_read(struct node *n, uint16_t tenant, const char *mac, char *out, size_t size)
{
	const struct device_entry *d = device_of(tenant, bytes_str(mac));
	struct device_value v;

	if (!d || !device_read(n, d, &v) || device_password_open(n, tenant, &v, out, size))
		out[0] = '\0';
}

/* As an account of that tenant, which may be another site. */
static int device_secret(struct node *n, uint16_t tenant, const struct device_value *v, uint16_t of,
			 struct digest_secret *out)
{
	char password[DEVICE_PASSWORD_MAX];
	int err = device_password_open(n, tenant, v, password, sizeof(password));

	if (!err)
		digest_secret_make(out, bytes_str(v->mac), bytes_str(document_realm(n, of)),
				   bytes_str(password));
	explicit_bzero(password, sizeof(password));
	return err;
}

bool device_password_fits(const struct node *n, const struct device_entry *d, const char *password)
{
	const struct device_account *account = device_accounts_find(
		&n->common.shared_tables->devices, d->tenant, bytes_str(d->mac));
	struct digest_secret made;
	bool fits;

	if (!account)
		return false;
	digest_secret_make(&made, bytes_str(d->mac), bytes_str(document_realm(n, d->tenant)),
			   bytes_str(password));
	fits = !CRYPTO_memcmp(&made, &account->secret, sizeof(made));
	explicit_bzero(&made, sizeof(made));
	return fits;
}

/* ---- the extension of a device ---- */

/* REG-30: an extension of one site may be at a device of another one. */
static bool site_admits(const struct node *n, uint16_t tenant, uint16_t home, struct bytes number)
{
	const struct tenants *all = n->common.tenants;
	const char *name = tenants_terms(all, tenant)->enterprise;
	struct extension e;
	bool may;

	if (home == TENANT_NONE || !name[0] ||
	    strcmp(name, tenants_terms(all, home)->enterprise) != 0 ||
	    !extensions_find(n->api.extensions, home, number, &e))
		return false;
	may = e.core.relocates && e.core.enabled;
	extension_wipe(&e);
	return may;
}

static bool is_guest(const struct device_entry *d)
{
	return d->login.user[0] && d->login.user_of != d->tenant;
}

static bool login_has_user(const struct node *n, struct device_entry *d)
{
	struct device_login *l = &d->login;
	uint64_t changes = n->api.documents->keep.mirror.changes;

	if (!is_guest(d))
		return extensions_has(n->api.extensions, d->tenant, bytes_str(l->user));
	if (l->looked != changes)
		l->ended = !site_admits(n, d->tenant, l->user_of, bytes_str(l->user));
	l->looked = changes;
	return !l->ended;
}

static bool login_is_over(const struct node *n, struct device_entry *d)
{
	const struct device_login *l = &d->login;

	return l->user[0] && (l->displaced || (l->logout_ms && l->logout_ms <= clock_utc_ms()) ||
			      !login_has_user(n, d));
}

static bool has_one_phone(const struct node *n, uint16_t tenant, const char *number)
{
	struct extension e;
	bool one = extensions_find(n->api.extensions, tenant, bytes_str(number), &e) &&
		   e.core.single_phone;

	extension_wipe(&e);
	return one;
}

/* Another device at which that extension is logged in, also one of another site; the one of the
 * last login. */
static struct device_entry *login_of(struct node *n, uint16_t tenant, const char *user,
				     const struct device_entry *but)
{
	struct device_entry *d, *last = NULL;
	uint32_t cursor = 0;

	while (user[0] && (d = device_next(&cursor)) != NULL) {
		for (; d; d = d->next) {
			if (d != but && d->login.own && d->login.user_of == tenant &&
			    !strcmp(d->login.user, user) && !login_is_over(n, d) &&
			    (!last || d->login.login_ms > last->login.login_ms))
				last = d;
		}
	}
	return last;
}

/* Whether the login of a is later. With equal epochs the MAC decides, on all nodes alike. */
static bool login_is_later(const struct device_entry *a, const struct device_entry *b)
{
	return a->login.login_ms != b->login.login_ms ? a->login.login_ms > b->login.login_ms
						      : strcmp(a->mac, b->mac) > 0;
}

/* ---- guests ---- */

/* What a guest takes of the site: as if its document were there. */
static const enum tenant_item g_guest_seats[] = { TENANT_SEATS + SEAT_PHONE,
						  TENANT_SEATS + SEAT_ADVANCED };

/* A place has the same id at both sites, or an emergency call from there says none: that of home
 * would be a wrong one. */
static uint16_t guest_location(const struct node *n, const struct device_entry *d,
			       const struct device_value *v)
{
	const struct site *here = sites_find(n->common.sites, d->tenant, v->location),
			  *there = sites_find(n->common.sites, d->login.user_of, v->location);

	if (here && there && !memcmp(&here->civic, &there->civic, sizeof(here->civic)))
		return v->location;
	if (v->location)
		LOG_WARN("provision", 0, "a phone of another site's extension says no location",
			 LOG_STR("mac", d->mac), LOG_U64("location", v->location));
	return 0;
}

/* The extension has this phone alone, by an account of its own tenant. 0, -ENOSPC or -ENOMEM. */
static int guest_start(struct node *n, struct device_entry *d, const struct device_value *v)
{
	struct device_login *l = &d->login;
	struct device_account account = { .tenant = l->user_of,
					  .location = guest_location(n, d, v) };
	uint64_t mac = device_mac(bytes_str(d->mac));
	int err = device_secret(n, d->tenant, v, l->user_of, &account.secret);

	(void)bytes_cstr(bytes_str(d->mac), account.name, sizeof(account.name));
	(void)bytes_cstr(bytes_str(l->user), account.number, sizeof(account.number));
	if (!err)
		err = device_accounts_put(device_accounts(n), &account);
	explicit_bzero(&account, sizeof(account));
	if (!err)
		err = device_only_put(&n->common.shared_tables->relocated, l->user_of,
				      bytes_str(l->user), mac);
	if (err)
		return err;
	locations_others_left(n->common.locations, l->user_of, bytes_str(l->user), mac,
			      clock_instant());
	for (size_t i = 0; i < COUNT_OF(g_guest_seats); i++)
		tenants_hold(n->common.tenants, d->tenant, g_guest_seats[i]);
	l->of = l->user_of;
	memcpy(l->number, l->user, sizeof(l->number));
	return 0;
}

static void guest_end(struct node *n, struct device_entry *d)
{
	struct device_login *l = &d->login;
	const struct device_entry *theirs = device_of(l->of, bytes_str(d->mac));
	struct table *only = &n->common.shared_tables->relocated;

	if (l->of == d->tenant)
		return;
	if (!theirs || !theirs->login.own)
		device_accounts_delete(device_accounts(n), l->of, bytes_str(d->mac));
	if (device_only_find(only, l->of, bytes_str(l->number)) == device_mac(bytes_str(d->mac)))
		(void)!device_only_put(only, l->of, bytes_str(l->number), 0);
	for (size_t i = 0; i < COUNT_OF(g_guest_seats); i++)
		tenants_release(n->common.tenants, d->tenant, g_guest_seats[i]);
	l->of = d->tenant;
	l->number[0] = '\0';
}

/* Tells the shards which extension has the phone now. v: NULL: nobody logs in by this. 0, -ENOSPC
 * or -ENOMEM. */
static int login_settle(struct node *n, struct device_entry *d, const struct device_value *v)
{
	struct device_login *l = &d->login;
	bool in = l->user[0] && !login_is_over(n, d), guest = in && is_guest(d);
	const char *number = in && !guest ? l->user : l->base;
	const struct device_account *known =
		device_accounts_find(device_accounts(n), d->tenant, bytes_str(d->mac));
	struct device_account account;
	int err;

	if (guest && l->of == l->user_of)
		return 0;
	guest_end(n, d);
	if (!known || (!strcmp(l->number, number) && !guest))
		return 0;
	account = *known;
	(void)bytes_cstr(bytes_str(number), account.number, sizeof(account.number));
	(void)bytes_cstr(bytes_str(number), l->number, sizeof(l->number));
	err = device_accounts_put(device_accounts(n), &account);
	explicit_bzero(&account, sizeof(account));
	return !err && guest && v ? guest_start(n, d, v) : err;
}

/* Ends the login, and asks the phone to read its files again. */
static void device_login_end(struct node *n, struct device_entry *d)
{
	struct device_login *l = &d->login;

	if (l->again_ns)
		return;
	(void)bytes_cstr(bytes_str(l->user), l->former, sizeof(l->former));
	l->again_ns = clock_now_ns() + LOGIN_AGAIN_NS + rand_u64_from(&n->rand) % LOGIN_AGAIN_NS;
	l->former_of = l->user_of;
	(void)login_settle(n, d, NULL);
	device_sync_want(d, clock_utc_ms());
}

/* Ends the earlier of two logins of an extension that has one phone alone, or is at another site
 * by one of them. */
static void login_displace(struct node *n, struct device_entry *d)
{
	uint16_t of = d->login.user_of;
	struct device_entry *other = login_of(n, of, d->login.user, d);

	d->login.unchecked = false;
	if (!other || !(has_one_phone(n, of, d->login.user) || is_guest(d) || is_guest(other)))
		return;
	if (login_is_later(other, d))
		other = d;
	other->login.displaced = true;
	device_login_end(n, other);
}

/* Reads NUMBER, or NUMBER@TENANT of another site. */
static void login_user_read(const struct node *n, const struct device_entry *d, const char *text,
			    char number[DEVICE_NUMBER_MAX], uint16_t *of)
{
	struct bytes rest = bytes_str(text), first = { 0 };

	(void)bytes_cut(&rest, DEVICE_OF_SITE, &first);
	(void)bytes_cstr(first, number, DEVICE_NUMBER_MAX);
	*of = rest.n ? tenants_find(n->common.tenants, rest) : d->tenant;
}

/* What its document says, as far as no account has to know it. */
static void device_login_read(struct node *n, struct device_entry *d, const struct device_value *v)
{
	struct device_login former = d->login, *l = &d->login;
	bool again = former.login_ms == v->login_utc_ms;
	struct bytes list = bytes_str(v->extensions), first = { 0 };

	(void)bytes_cut(&list, ',', &first);
	*l = (struct device_login){ .own = v->password[0],
				    .displaced = again && former.displaced,
				    .login_ms = v->login_utc_ms,
				    .logout_ms = v->logout_utc_ms,
				    .again_ns = again ? former.again_ns : 0,
				    .of = d->tenant,
				    .user_of = d->tenant };
	(void)bytes_cstr(first, l->base, sizeof(l->base));
	if (!l->own)
		return;
	login_user_read(n, d, device_user(v), l->user, &l->user_of);
	login_user_read(n, d, v->former, l->former, &l->former_of);
}

int device_login_apply(struct node *n, struct device_entry *d, const struct device_value *v)
{
	struct device_account account = { .tenant = d->tenant, .location = v->location };
	struct device_login *l = &d->login;
	int err;

	if (d->login.own)
		guest_end(n, d);
	device_login_read(n, d, v);
	if (!l->own) {
		memcpy(l->number, l->base, sizeof(l->number));
		device_accounts_delete(device_accounts(n), d->tenant, bytes_str(d->mac));
		return 0;
	}
	(void)bytes_cstr(bytes_str(d->mac), account.name, sizeof(account.name));
	err = device_secret(n, d->tenant, v, d->tenant, &account.secret);
	if (err) {
		LOG_ERROR("provision", 0,
			  "a device's password was sealed with other keys: give it again",
			  LOG_STR("mac", d->mac));
		l->own = false;
		return 0;
	}
	err = device_accounts_put(device_accounts(n), &account);
	explicit_bzero(&account, sizeof(account));
	if (!err)
		err = login_settle(n, d, v);
	l->unchecked = l->user[0];
	if (!err && l->unchecked && n->api.documents->keep.loaded)
		login_displace(n, d);
	return err;
}

void device_login_forget(struct node *n, struct device_entry *d)
{
	if (!n->common.shared_tables)
		return;
	if (d->login.own)
		guest_end(n, d);
	device_accounts_delete(device_accounts(n), d->tenant, bytes_str(d->mac));
}

static void login_on_ended(json_t *answer, void *arg)
{
	(void)arg;
	json_decref(answer);
}

/* Deletes the login from the document. One node does it. */
static void login_delete(struct node *n, struct device_entry *d)
{
	struct command_principal who = { .role = COMMAND_FOR_ADMIN, .door = "node" };
	json_t *args = json_pack("{s:s, s:I}", "mac", d->mac, "login_utc_ms",
				 (json_int_t)d->login.login_ms);
	char id[COMMAND_ID_MAX];

	(void)bytes_cstr(bytes_str(tenants_name(n->common.tenants, d->tenant)), who.tenant,
			 sizeof(who.tenant));
	(void)snprintf(id, sizeof(id), "logout %s %llx", d->mac,
		       (unsigned long long)rand_u64_from(&n->rand));
	command_start(n, &who, BYTES_LIT("device.logout"), bytes_str(id), args, login_on_ended,
		      NULL);
	json_decref(args);
}

/* The documents of his own site have come only now, by which he may be a guest. */
static void login_guest_beat(struct node *n, struct device_entry *d)
{
	static struct device_value v;

	if (!is_guest(d) || d->login.of == d->login.user_of || !device_read(n, d, &v))
		return;
	d->login.again_ns = 0;
	(void)login_settle(n, d, &v);
}

void device_login_beat(struct node *n, struct device_entry *d, uint64_t now_ns)
{
	if (!d->login.own)
		return;
	if (d->login.unchecked && g_checked_ns != now_ns) {
		g_checked_ns = now_ns;
		login_displace(n, d);
	}
	if (!login_is_over(n, d)) {
		login_guest_beat(n, d);
		return;
	}
	device_login_end(n, d);
	if (d->login.again_ns > now_ns)
		return;
	d->login.again_ns = now_ns + 30 * LOGIN_AGAIN_NS;
	login_delete(n, d);
}

void device_login_synced(struct node *n, struct device_entry *d)
{
	struct device_login *l = &d->login;

	if (l->own && l->former[0] && l->former_of != TENANT_NONE &&
	    (l->former_of != l->of || strcmp(l->former, l->number) != 0))
		locations_device_left(n->common.locations, l->former_of, bytes_str(l->former),
				      device_mac(bytes_str(d->mac)), clock_instant());
}

/* ---- commands ---- */

const char *device_user(const struct device_value *v)
{
	return v->guest[0] ? v->guest : v->user;
}

void device_wanted(const struct command_run *run, char out[DEVICE_USER_MAX])
{
	const struct command_value *home = command_value(run, "home");
	struct writer w = writer_over(out, DEVICE_USER_MAX - 1);

	writer_bytes(&w, command_value(run, "number")->text);
	if (home->given)
		writer_u8(&w, DEVICE_OF_SITE);
	if (home->given)
		writer_bytes(&w, home->text);
	out[w.overflow ? 0 : w.n] = '\0';
}

static void device_user_is(struct device_value *v, const char *user, uint64_t hours)
{
	uint64_t now = clock_utc_ms();
	bool guest = strchr(user, DEVICE_OF_SITE);

	(void)bytes_cstr(bytes_str(device_user(v)[0] ? device_user(v) : v->extensions), v->former,
			 sizeof(v->former));
	(void)bytes_cstr(bytes_str(guest ? "" : user), v->user, sizeof(v->user));
	(void)bytes_cstr(bytes_str(guest ? user : ""), v->guest, sizeof(v->guest));
	v->login_utc_ms = now > v->login_utc_ms ? now : v->login_utc_ms + 1;
	v->logout_utc_ms = hours ? now + hours * HOUR_MS : 0;
}

/* Ends the run: why nobody logs in there. Returns false. */
static bool device_login_refuse(struct command_run *run, const char *mac,
				enum command_error_code code, const char *member, const char *why,
				const char *reason)
{
	const struct command_value *number = command_value(run, "number");

	LOG_WARN("provision", 0, "login at a device refused", LOG_STR("mac", mac),
		 LOG_STR("reason", reason));
	device_event(run->node, SIG_DEVICE_REFUSED, document_tenant(run), mac, number->text,
		     reason);
	command_fail(run, code, member, "%s", why);
	return false;
}

/* A flow has asked for the PIN; operators answer for themselves. */
static bool is_proven(const struct command_run *run)
{
	return (run->door && !strcmp(run->door, "phone")) || run->role == COMMAND_FOR_OPERATOR;
}

bool device_guest_may(struct command_run *run, const void *value)
{
	const struct device_value *v = value;
	static struct device_value is;

	if (!v->guest[0] || is_proven(run) ||
	    (document_stored(run->node, run->tenant, &g_device_documents, bytes_str(v->mac), &is) &&
	     !strcmp(is.guest, v->guest) && is.login_utc_ms == v->login_utc_ms))
		return true;
	command_fail(run, COMMAND_NOT_ALLOWED, "guest",
		     "its owner alone logs in at another site, by #17");
	return false;
}

/* Whether an extension of another site may log in here. False: the run has failed. */
static bool device_guest_make(struct command_run *run, const struct device_value *v, uint16_t home)
{
	const struct tenants *all = run->node->common.tenants;
	uint16_t tenant = document_tenant(run);
	const struct device_entry *theirs = device_of(home, bytes_str(v->mac));

	if (!is_proven(run))
		return device_login_refuse(run, v->mac, COMMAND_NOT_ALLOWED, "home",
					   "a flow alone proves it, by its PIN", "home");
	if (!site_admits(run->node, tenant, home, command_value(run, "number")->text))
		return device_login_refuse(
			run, v->mac, COMMAND_NOT_ALLOWED, "number",
			"it may not be at another site: relocates of extension.put, and enterprise "
			"of tenant.put",
			"relocates");
	if (theirs && theirs->login.own)
		return device_login_refuse(run, v->mac, COMMAND_NOT_ALLOWED, "mac",
					   "the other site has a device with that MAC", "device");
	for (size_t i = 0; i < COUNT_OF(g_guest_seats); i++) {
		if (!v->guest[0] && tenants_is_full(all, tenant, g_guest_seats[i]))
			return device_login_refuse(
				run, v->mac, COMMAND_NO_SEAT, "number",
				"the site has no seats of phone and advanced left", "seat");
	}
	return true;
}

static bool device_login_make(struct command_run *run, struct device_value *v)
{
	struct bytes number = command_value(run, "number")->text;
	const struct command_value *at = command_value(run, "home");
	bool take = command_value(run, "take")->number;
	uint16_t tenant = document_tenant(run), home;
	const struct device_entry *other;
	char user[DEVICE_USER_MAX], alone[DEVICE_NUMBER_MAX];

	device_wanted(run, user);
	home = at->given ? tenants_find(run->node->common.tenants, at->text) : tenant;
	if (bytes_cstr(number, alone, sizeof(alone)) || home == TENANT_NONE ||
	    !extensions_has(run->node->api.extensions, home, number))
		return device_login_refuse(run, v->mac, COMMAND_NOT_FOUND, "number",
					   COMMAND_NO_EXTENSION, "no extension");
	if (!v->password[0])
		return device_login_refuse(run, v->mac, COMMAND_BAD_ARGUMENT, "mac",
					   "the device has no password of its own: device.put",
					   "device");
	if (home != tenant && !device_guest_make(run, v, home))
		return false;
	other = take ? NULL
		     : login_of(run->node, home, alone, device_of(tenant, bytes_str(v->mac)));
	if (other && (home != tenant || is_guest(other) || has_one_phone(run->node, home, alone)))
		return device_login_refuse(
			run, v->mac, COMMAND_CONFLICT, "number",
			"it has one phone, and is logged in at another device: take=true",
			"in use");
	if (strcmp(device_user(v), user) != 0 || v->logout_utc_ms)
		device_user_is(v, user, command_value(run, "hours")->number);
	return true;
}

static bool device_logout_make(struct command_run *run, struct device_value *v)
{
	const struct command_value *of = command_value(run, "login_utc_ms"),
				   *number = command_value(run, "number");
	struct bytes user = bytes_str(device_user(v)), is = { 0 };

	(void)bytes_cut(&user, DEVICE_OF_SITE, &is);
	if (number->given && !bytes_eq(number->text, is)) {
		command_fail(run, COMMAND_CONFLICT, "number", "it is not logged in there");
		return false;
	}
	if (is.n && (!of->given || of->number == v->login_utc_ms))
		device_user_is(v, "", 0);
	return true;
}

static void device_menu_random(struct command_run *run, struct device_value *v)
{
	(void)snprintf(v->menu_password, sizeof(v->menu_password), "%05u",
		       (unsigned)(rand_u64_from(&run->node->rand) % 100000));
}

static void device_menu_make(struct command_run *run, struct device_value *v, bool is_new)
{
	char family[DEVICE_FAMILY_MAX];

	device_family(v, family);
	is_new &= !command_value(run, "menu_password")->given && !strcmp(family, "polycom-8.5");
	if (is_new && device_profile_has_password(run->node, run->tenant, v->profile))
		(void)snprintf(v->menu_password, sizeof(v->menu_password), DEVICE_MENU_PROFILE);
	else if (is_new || !strcmp(v->menu_password, "random"))
		device_menu_random(run, v);
}

/* A phone that no document names, or that was reset, calls to log in. */
static bool device_bare_make(struct command_run *run, struct device_value *v, bool there)
{
	char password[BARE_PASSWORD + 1];
	bool sealed;

	if (!there) {
		memset(v, 0, sizeof(*v));
		g_device_form.begin(v, command_value(run, "mac")->text);
		device_menu_random(run, v);
	}
	if (!bare_adopt(run, v, there, password))
		return device_login_refuse(run, v->mac, COMMAND_BAD_ARGUMENT, "bare",
					   "it is the phone of another one", "bare");
	sealed = device_password_seal(run, v, bytes_str(password));
	explicit_bzero(password, sizeof(password));
	return sealed;
}

bool device_make(struct command_run *run, void *value)
{
	struct device_value *v = value;
	bool login = !strcmp(run->command->name, "device.login");
	struct device_value former = { 0 };
	struct bytes mac = command_value(run, "mac")->text;
	bool there = document_stored(run->node, run->tenant, &g_device_documents, mac, &former);

	if (login || !strcmp(run->command->name, "device.logout")) {
		bool bare = login && command_value(run, "bare")->given;

		if (!there && !bare)
			return document_missing(run, &g_device_documents);
		*v = former;
		if (bare && !device_bare_make(run, v, there))
			return false;
		v->changed_utc_ms = clock_utc_ms();
		return login ? device_login_make(run, v) : device_logout_make(run, v);
	}
	if (!document_form_make(run, &g_device_documents, v) || !device_password_keep(run, v))
		return false;
	device_menu_make(run, v, !there);
	if (there && strcmp(former.user, v->user) != 0) {
		char user[DEVICE_NUMBER_MAX];

		memcpy(user, v->user, sizeof(user));
		memcpy(v->user, former.user, sizeof(user));
		device_user_is(v, user, 0);
	}
	return true;
}

static void user_event(const struct command_run *run, const char *tenant, const char *user,
		       const struct device_value *v)
{
	struct sig_event event = { .kind = SIG_DEVICE_USER };

	event_put_str(&event, EV_DEVICE, v->mac);
	event_put_str(&event, EV_NUMBER, user);
	event_put_str(&event, EV_STATE, device_user(v)[0] ? "in" : "out");
	node_event(run->node, tenant, &event);
}

/* Of both sites, where there are two. */
void device_user_event(const struct command_run *run, const struct device_value *v)
{
	const char *user = device_user(v)[0] ? device_user(v) : v->former;
	const char *home = strchr(user, DEVICE_OF_SITE);

	user_event(run, run->tenant, user, v);
	if (home)
		user_event(run, home + 1, user, v);
}

/* A device of another site, at which an extension of that tenant is logged in now. */
static const struct device_entry *device_abroad(const struct command_run *run)
{
	const struct command_value *number = command_value(run, "number");
	uint16_t tenant = document_tenant(run);
	bool out = !strcmp(run->command->name, "device.logout");

	for (const struct device_entry *d = device_find(command_value(run, "mac")->text); d;
	     d = d->next) {
		if (d->tenant == tenant)
			return NULL;
		if (d->login.of == tenant && d->login.own &&
		    (out ? !number->given || bytes_is(number->text, d->login.number)
			 : is_proven(run)))
			return d;
	}
	return NULL;
}

static void abroad_on_ended(json_t *answer, void *arg)
{
	struct command_run *run = arg;
	const json_t *error = json_object_get(answer, "error");

	if (json_is_true(json_object_get(answer, "ok")))
		command_answer(run, json_pack("{s:s%}", "mac", command_value(run, "mac")->text.p,
					      command_value(run, "mac")->text.n));
	else
		command_fail(run,
			     strcmp(json_text(error, "code"), "conflict") ? COMMAND_NOT_ALLOWED
									  : COMMAND_CONFLICT,
			     "number", "%s", json_text(error, "message"));
	json_decref(answer);
}

/* The site that has the document carries it out, and nothing of that is shown here. */
static void login_abroad(struct command_run *run, const struct device_entry *d)
{
	const struct tenants *all = run->node->common.tenants;
	struct command_principal who = { .role = COMMAND_FOR_ADMIN, .door = run->door };
	bool in = !strcmp(run->command->name, "device.login");
	json_t *args = json_deep_copy(run->args);
	char id[COMMAND_ID_MAX];

	(void)snprintf(who.tenant, sizeof(who.tenant), "%s", tenants_name(all, d->tenant));
	if (in && !command_value(run, "home")->given)
		(void)json_object_set_new(args, "home", json_string(run->tenant));
	else if (in && bytes_is(command_value(run, "home")->text, who.tenant))
		(void)json_object_del(args, "home");
	(void)snprintf(id, sizeof(id), "abroad %s %llx", d->mac,
		       (unsigned long long)rand_u64_from(&run->node->rand));
	command_start(run->node, &who, bytes_str(run->command->name), bytes_str(id), args,
		      abroad_on_ended, run);
	json_decref(args);
}

void command_device_login(struct command_run *run)
{
	const struct device_entry *abroad;

	if (!device_normalize(run))
		return;
	abroad = device_abroad(run);
	if (abroad)
		login_abroad(run, abroad);
	else
		document_put(run);
}

static json_t *mine_json(const struct device_entry *d, const struct device_value *v)
{
	const struct device_login *l = &d->login;
	bool logged_in = l->user[0] && l->of == l->user_of && !strcmp(l->user, l->number);

	return json_pack("{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:b}", "mac", d->mac, "model",
			 v->model, "logged_in", logged_in, "login_utc_ms",
			 (json_int_t)(logged_in ? l->login_ms : 0), "logout_utc_ms",
			 (json_int_t)l->logout_ms, "fetched_utc_ms",
			 (json_int_t)d->seen.at[DEVICE_FETCHED], "registered_utc_ms",
			 (json_int_t)d->seen.at[DEVICE_REGISTERED], "synced_utc_ms",
			 (json_int_t)d->seen.at[DEVICE_SYNCED], "waits", d->sync_ms != 0);
}

/* Those of its first line; what other nodes have seen of them is there the next time. */
void command_device_mine(struct command_run *run)
{
	struct bytes number = command_value(run, "number")->text;
	json_t *list = json_array();
	struct device_entry *d;
	struct device_value v;
	uint32_t cursor = 0;

	while ((d = device_next(&cursor)) != NULL) {
		for (; d; d = d->next) {
			if (d->login.of != document_tenant(run) ||
			    !bytes_is(number, d->login.number) || !device_read(run->node, d, &v))
				continue;
			device_seen_refresh(run->node, d);
			(void)json_array_append_new(list, mine_json(d, &v));
		}
	}
	command_answer(run, list);
}
