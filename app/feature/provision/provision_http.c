/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of phones over HTTP: listeners of their own, with the routes below. A phone logs in as its
 * first extension, and its password goes into the file that it gets back, so none is stored for it.
 * The first file of a boot names the others by their revision. All files of that revision are kept
 * here, and sealed in Redis, so another node gives the very same ones, whatever has changed since.
 * What phones upload lies in a folder of this node, under names that are made here.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/document/extensions.h"
#include "app/feature/provision/device.h"
#include "app/feature/provision/provision_facts.h"
#include "app/feature/provision/provision_ftp.h"
#include "app/feature/provision/provision_settings.h"
#include "app/node/node.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/node/node_wait.h"
#include "app/settings/settings.h"
#include "app/web/web.h"
#include "app/web/web_route.h"
#include "base/clock.h"
#include "base/log.h"
#include "cluster/store/store.h"
#include "sig/shard/shard.h"
#include "sig/shard/shared_tables.h"
#include "sig/sip/stream_rate.h"

enum {
	UPLOAD_MAX = 262144,
	BOOTS_MAX = 256, /* with their files */
	BOOT_HASH_MAX = PHONE_MAC_LEN + 1 + PHONE_REVISION_LEN + 1,
	SOURCES = 4096,
};
/* Requests of one source: an office behind one address boots at once. */
static const struct stream_rate g_source_rate = { .per_s = 50, .burst = 2000 };
static const struct stream_rate g_told_rate = { .per_s = 1, .burst = 60 };
#define PROVISION_REALM "phones"
#define BOOT_KIND       "phone"
/* Behind a power cut phones come faster than they can be served: one boots, and has its place. */
#define BOOT_TURN_NS      (2 * NS_PER_S)
#define DEVICE_REFUSED_NS (60 * NS_PER_S) /* between two events about one device */

/* The files of one boot. */
struct boot {
	uint16_t tenant;
	char mac[PHONE_MAC_LEN + 1];
	uint64_t used; /* the highest was used last */
	struct phone_files *files;
};

static struct {
	struct node *node;
	struct web *http, *https;
	struct web_asks *http_asks, *https_asks;
	struct web_routes http_routes, https_routes;
	struct boot boots[BOOTS_MAX];
	uint64_t used;
	bool is_loaded;
	uint64_t full_ns[SOURCES];     /* of sources by their hash: those of one share a rate */
	uint64_t told_ns[SOURCES];     /* of their events about phones that are no devices */
	uint64_t told_mac_ns[SOURCES]; /* of such phones, by a hash of their MAC: the last event */
} g_provision;

/* ---- answers ---- */

static struct web_asks *provision_asks(const struct web_routed *r)
{
	return r->tls ? g_provision.https_asks : g_provision.http_asks;
}

/* Ends the request. */
static void provision_answer(struct web_routed *r, struct web_route_answer *a)
{
	struct web_asks *asks = provision_asks(r);

	a->id = r->id;
	a->proven = r->proven;
	if (asks)
		web_asks_answer(asks, a);
	else
		free(a->text);
	web_route_free(r);
}

uint16_t provision_tenant(const struct node *n, const struct web_routed *r)
{
	struct bytes host = bytes_str(r->host);
	uint16_t tenant;

	host = bytes_sub(host, 0, bytes_find(host, ':'));
	tenant = tenants_of_domain(n->common.tenants, host);
	return tenant != TENANT_NONE ? tenant
				     : tenants_find(n->common.tenants, BYTES_LIT(NODE_TENANT));
}

static void provision_say(struct web_routed *r, struct web_route_answer *a, struct bytes said)
{
	a->type = "text/plain";
	a->text = said.n ? malloc(said.n) : NULL;
	if (a->text) {
		memcpy(a->text, said.p, said.n);
		a->n = said.n;
	}
	provision_answer(r, a);
}

void provision_unauthorized(struct web_routed *r, enum provision_login how)
{
	struct web_route_answer a = { .status = 401 };
	struct node *n = g_provision.node;

	if (how != PROVISION_BASIC)
		digest_challenges(n, r, provision_tenant(n, r), how == PROVISION_STALE, &a);
	provision_say(r, &a, BYTES_LIT("log in\n"));
}

void provision_status(struct web_routed *r, unsigned status, uint32_t retry_s)
{
	static const char none[] = "not found\n", wrong[] = "the header Authorization is wrong\n",
			  later[] = "try again\n";
	struct web_route_answer a = { .status = status, .retry_s = retry_s };

	if (status == 401)
		provision_unauthorized(r, PROVISION_ANY);
	else
		provision_say(r, &a,
			      bytes_str(status == 404   ? none
					: status == 400 ? wrong
					: status >= 400 ? later
							: ""));
}

void provision_file(struct web_routed *r, struct bytes text, const char *type)
{
	struct web_route_answer a = { .status = 200, .type = type, .text = malloc(text.n + 1) };

	if (!a.text) {
		provision_status(r, 503, 1);
		return;
	}
	memcpy(a.text, text.p, text.n);
	a.n = text.n;
	provision_answer(r, &a);
}

/* ---- who asks ---- */

/* Names of a phone's files have its MAC in front, or behind what some makes put there. False: that
 * one does not. */
static bool path_mac(const struct web_routed *r, char mac[PHONE_MAC_LEN + 1], struct bytes *name)
{
	static const char *const fronts[] = { "", "cfg", "snom-" };

	*name = bytes_from(bytes_str(r->path), 1);
	for (size_t i = 0; i < COUNT_OF(fronts); i++) {
		size_t n = strlen(fronts[i]);

		if (bytes_starts(*name, fronts[i]) && name->n > n + PHONE_MAC_LEN &&
		    device_mac_read(bytes_sub(*name, n, PHONE_MAC_LEN), mac))
			return true;
	}
	return false;
}

/* From d on, the device with that first line; NULL: none. */
static struct device_entry *device_of_line(struct node *n, struct device_entry *d,
					   struct bytes number, struct device_value *v)
{
	for (; d; d = d->next) {
		struct bytes first = { 0 }, rest;

		if (!device_read(n, d, v))
			continue;
		rest = bytes_str(v->extensions);
		(void)bytes_cut(&rest, ',', &first);
		if (bytes_eq(number, d->login.own ? bytes_str(d->mac) : first))
			return d;
	}
	return NULL;
}

/* Finds the device with that MAC and an extension with the password; NULL: none. It chooses
 * alone: provision_login proves the password. Tenants may have the same MAC and number. */
static struct device_entry *device_of_password(struct node *n, struct device_entry *first,
					       struct bytes number, const char *password,
					       struct device_value *v)
{
	struct device_entry *d = device_of_line(n, first, number, v);

	while (d && !(d->login.own ? device_password_fits(n, d, password)
				   : provision_password_fits(n, d->tenant, number, password)))
		d = device_of_line(n, d->next, number, v);
	return d;
}

bool provision_proves(struct shard *core, const struct device_entry *d, uint16_t tenant,
		      struct bytes number, const struct web_routed *r, uint64_t *wait_ns)
{
	struct instant now = clock_instant();
	struct bytes password = bytes_str(r->password);

	return d && d->login.own ? shard_device_proves(core, d->tenant, number, password, &r->peer,
						       now, wait_ns)
				 : shard_password_proves(core, d ? d->tenant : tenant, number,
							 password, &r->peer, now, wait_ns);
}

static void device_refused(struct node *n, struct device_entry *d, struct bytes number)
{
	uint64_t now_ns = clock_now_ns();

	if (d->refused_ns && now_ns - d->refused_ns < DEVICE_REFUSED_NS)
		return;
	d->refused_ns = now_ns;
	/* REG-31: a phone that goes back to an older configuration has that one's password */
	device_event(n, SIG_DEVICE_REFUSED, d->tenant, d->mac, number,
		     d->seen.at[DEVICE_ACCEPTED] ? "stale password" : "password");
}

/* A wrong password was tried on d: it is one for those behind it, too, so that none of them can be
 * guessed behind another. */
static void devices_guessed(struct node *n, struct device_entry *d, struct bytes number,
			    const struct web_routed *r, uint64_t *wait_ns)
{
	uint32_t cursor = 0;
	struct shard *core = node_core_next(n, &cursor);
	struct device_value v;
	uint64_t more_ns = 0;

	while ((d = device_of_line(n, d->next, number, &v)) != NULL) {
		(void)provision_proves(core, d, d->tenant, number, r, &more_ns);
		*wait_ns = more_ns > *wait_ns ? more_ns : *wait_ns;
	}
}

/* The device that asks, with its document, once its password is proven. NULL: it was answered. A
 * phone that is no device costs as much, and is told as much. */
static struct device_entry *provision_login(struct node *n, struct web_routed *r, const char *mac,
					    struct device_value *v)
{
	struct bytes number;
	uint16_t location;
	char own[PHONE_MAC_LEN + 1];
	struct device_entry *first = device_find(bytes_str(mac)), *fits, *d;
	uint32_t cursor = 0;
	struct shard *core = node_core_next(n, &cursor);
	uint64_t wait_ns = 0, now_ms = clock_utc_ms();

	bool bare;

	if (r->digest[0] && !digest_login(n, r, provision_tenant(n, r), mac))
		return NULL;
	bare = bare_proves(n, provision_tenant(n, r), mac, r);
	(void)located_user_split(bytes_str(bare ? mac : r->user), &number, &location);
	if (device_mac_read(number, own) && !strcmp(own, mac))
		number = bytes_str(own);
	fits = device_of_password(n, first, number, r->password, v);
	d = fits ? fits : device_of_line(n, first, number, v);
	if (bare && !fits) { /* it was made by us, and nobody has logged in there */
		provision_status(r, 404, 0);
		return NULL;
	}
	if (core && provision_proves(core, d, provision_tenant(n, r), number, r, &wait_ns)) {
		if (r->digest[0] && !digest_is_new(n, r, provision_tenant(n, r))) {
			provision_unauthorized(r, PROVISION_STALE);
			return NULL;
		}
		if (!d) {
			device_event(n, SIG_DEVICE_UNKNOWN, provision_tenant(n, r), mac, number,
				     "");
			provision_status(r, 404, 0);
			return NULL;
		}
		r->proven = true;
		(void)bytes_cstr(bytes_sub(bytes_str(r->agent), 0, DEVICE_AGENT_MAX - 1),
				 d->seen.agent, sizeof(d->seen.agent));
		(void)bytes_cstr(bytes_sub(bytes_str(r->host), 0, DEVICE_ASKED_MAX - 1),
				 d->seen.host, sizeof(d->seen.host));
		device_saw(d, DEVICE_ASKED, now_ms);
		device_saw(d, DEVICE_ACCEPTED, now_ms);
		return d;
	}
	if (d)
		device_saw(d, DEVICE_ASKED, now_ms);
	if (d && core && !fits)
		devices_guessed(n, d, number, r, &wait_ns);
	if (!core || wait_ns) {
		provision_status(r, core ? 429 : 503, (uint32_t)(wait_ns / NS_PER_S) + 1);
		return NULL;
	}
	if (d)
		device_refused(n, d, number);
	provision_status(r, 401, 0);
	return NULL;
}

/* ---- revisions ---- */

static struct boot *boot_find(uint16_t tenant, const char *mac, struct bytes revision)
{
	for (size_t i = 0; i < BOOTS_MAX; i++) {
		struct boot *b = &g_provision.boots[i];

		if (b->files && b->tenant == tenant && !strcmp(b->mac, mac) &&
		    bytes_is(revision, b->files->revision)) {
			b->used = ++g_provision.used;
			return b;
		}
	}
	return NULL;
}

/* In the place of the one that was not used for the longest. */
static struct boot *boot_keep(uint16_t tenant, const char *mac, struct phone_files *files)
{
	struct boot *b = &g_provision.boots[0];

	for (size_t i = 1; i < BOOTS_MAX && b->files; i++) {
		struct boot *other = &g_provision.boots[i];

		if (!other->files || other->used < b->used)
			b = other;
	}
	phone_files_free(b->files);
	*b = (struct boot){ .tenant = tenant, .used = ++g_provision.used, .files = files };
	(void)bytes_cstr(bytes_str(mac), b->mac, sizeof(b->mac));
	return b;
}

static void boot_hash(char out[BOOT_HASH_MAX], const char *mac, const char *revision)
{
	(void)snprintf(out, BOOT_HASH_MAX, "%s-%s", mac, revision);
}

/* A request that waits until Redis has, or gives, the files of its boot. */
struct boot_run {
	struct node *node;
	struct web_routed *r;
	uint16_t tenant;
	char hash[BOOT_HASH_MAX];
	char name[PHONE_FILE_NAME_MAX];
	char family[DEVICE_FAMILY_MAX];
};

static struct store_blob boot_blob(const struct boot_run *run)
{
	return (struct store_blob){ bytes_str(tenants_name(run->node->common.tenants, run->tenant)),
				    BOOT_KIND, run->hash };
}

/* All files one after the other, each as name, type and text, which end in NUL, sealed. malloc'ed;
 * NULL: no memory. */
static uint8_t *boot_seal(struct node *n, const struct boot_run *run, const struct phone_files *f,
			  size_t *sealed_n)
{
	size_t size = 0, room;
	uint8_t *plain, *sealed;
	struct writer w;

	for (uint32_t i = 0; i < f->count; i++)
		size += strlen(f->list[i].name) + f->list[i].text.n + 2;
	room = size + SEAL_OVERHEAD;
	plain = malloc(size + 1);
	sealed = malloc(room);
	w = writer_over(plain, plain ? size : 0);
	for (uint32_t i = 0; plain && i < f->count; i++) {
		writer_mem(&w, f->list[i].name, strlen(f->list[i].name) + 1);
		writer_bytes(&w, f->list[i].text);
		writer_u8(&w, 0);
	}
	if (!plain || !sealed ||
	    seal_make(&n->extension_seal, &n->rand, bytes_str(run->hash), writer_done(&w), sealed,
		      room, sealed_n)) {
		free(sealed);
		sealed = NULL;
	}
	if (plain)
		explicit_bzero(plain, size);
	free(plain);
	return sealed;
}

/* The file of that name in what boot_seal wrote. */
static bool boot_text(struct bytes plain, const char *name, struct bytes *text)
{
	struct bytes one;

	while (bytes_cut(&plain, 0, &one) && bytes_cut(&plain, 0, text)) {
		if (bytes_is(one, name))
			return true;
	}
	return false;
}

void provision_given(struct device_entry *d, struct bytes revision, const char *family,
		     struct bytes name)
{
	if (!phone_file_is_last(family, name))
		return;
	(void)bytes_cstr(revision, d->seen.revision, sizeof(d->seen.revision));
	device_saw(d, DEVICE_FETCHED, clock_utc_ms());
	d->awaited = true;
	d->await_ns = 0;
	d->sync_ms = 0; /* it has what it was to look for */
}

static void boot_given(const struct boot_run *run)
{
	struct bytes hash = bytes_str(run->hash);
	struct device_entry *d = device_of(run->tenant, bytes_sub(hash, 0, PHONE_MAC_LEN));

	if (d)
		provision_given(d, bytes_from(hash, PHONE_MAC_LEN + 1), run->family,
				bytes_str(run->name));
}

static void provision_kept(struct boot_run *run)
{
	struct bytes hash = bytes_str(run->hash), mac = bytes_sub(hash, 0, PHONE_MAC_LEN);
	const struct phone_file *file = NULL;
	const struct boot *b;
	char text[PHONE_MAC_LEN + 1];

	(void)bytes_cstr(mac, text, sizeof(text));
	b = boot_find(run->tenant, text, bytes_from(hash, PHONE_MAC_LEN + 1));
	if (b)
		file = phone_files_find(b->files, bytes_str(run->name));
	if (file) {
		boot_given(run);
		provision_file(run->r, file->text, file->type);
	} else {
		provision_status(run->r, b ? 404 : 503, 1);
	}
}

/* Without Redis this node alone has the revision: a phone is better off with it than without. */
static void boot_on_put(enum store_result result, bool there, struct bytes octets, void *arg)
{
	struct boot_run *run = arg;
	struct store_blob blob = boot_blob(run);

	(void)there;
	(void)octets;
	if (result == STORE_OK)
		store_blob_expire(run->node->redis->store, &blob);
	provision_kept(run);
	free(run);
}

static void boot_on_got(enum store_result result, bool there, struct bytes sealed, void *arg)
{
	struct boot_run *run = arg;
	enum seal_refusal why;
	uint8_t *plain = there ? malloc(sealed.n) : NULL;
	struct bytes text = { 0 };
	size_t n = 0;

	if (plain &&
	    !seal_open(&run->node->extension_seal, bytes_str(run->hash), sealed, plain, sealed.n,
		       &n, &why) &&
	    boot_text(bytes_mem(plain, n), run->name, &text)) {
		boot_given(run);
		provision_file(run->r, text, "text/xml; charset=utf-8");
	} else {
		provision_status(run->r, result == STORE_OK && !there ? 404 : 503, 1);
	}
	if (plain)
		explicit_bzero(plain, n);
	free(plain);
	free(run);
}

static struct boot_run *boot_run_new(struct node *n, struct web_routed *r, uint16_t tenant,
				     const struct device_value *v, const char *hash,
				     struct bytes name)
{
	struct boot_run *run = calloc(1, sizeof(*run));

	if (!run || bytes_cstr(name, run->name, sizeof(run->name))) {
		free(run);
		return NULL;
	}
	run->node = n;
	run->r = r;
	run->tenant = tenant;
	(void)snprintf(run->hash, sizeof(run->hash), "%s", hash);
	device_family(v, run->family);
	return run;
}

/* ---- routes ---- */

static void on_default(struct web_routed *r, void *arg)
{
	const struct node *n = arg;
	enum phone_default which = PHONE_DEFAULT_NONE;

	if (bare_extension(n, provision_tenant(n, r))[0])
		which = provision_settings_of(n->settings)->firmware_unknown &&
					firmware_has_application("polycom-8.5")
				? PHONE_DEFAULT_FIRMWARE
				: PHONE_DEFAULT_BARE;
	provision_file(r, phone_files_default(which), "text/xml; charset=utf-8");
}

/* A file of the firmware, which is no secret. */
static void firmware_answer(const struct node *n, struct web_routed *r, const char *family,
			    struct bytes name)
{
	struct web_route_answer a = { .status = 200,
				      .type = "application/octet-stream",
				      .streamed = true };

	if (firmware_path(n, family, name, a.file, sizeof(a.file)))
		provision_answer(r, &a);
	else
		provision_status(r, 404, 0);
}

static void on_bare_firmware(struct web_routed *r, void *arg)
{
	struct node *n = arg;
	struct bytes name = bytes_from(bytes_str(r->path), sizeof("/bare-firmware/") - 1);

	if (provision_settings_of(n->settings)->firmware_unknown &&
	    bare_extension(n, provision_tenant(n, r))[0])
		firmware_answer(n, r, "polycom-8.5", name);
	else
		provision_status(r, 404, 0);
}

/* Behind the answer, so that it comes as soon for any MAC. */
static void bare_event(struct node *n, uint16_t tenant, const char *mac, uint64_t source)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t hash = hash_sip(&n->common.shared_tables->key, bytes_str(mac));
	uint64_t *mac_ns = &g_provision.told_mac_ns[hash % SOURCES];

	if (device_find(bytes_str(mac)) || (*mac_ns && now_ns - *mac_ns < DEVICE_REFUSED_NS) ||
	    !stream_rate_spend(&g_provision.told_ns[source % SOURCES], &g_told_rate, now_ns))
		return;
	*mac_ns = now_ns;
	device_event(n, SIG_DEVICE_UNKNOWN, tenant, mac, (struct bytes){ 0 }, "bare");
}

/* bare/MAC.cfg: for any MAC, without a password. */
static void on_bare(struct web_routed *r, void *arg)
{
	static const char front[] = "/bare/", end[] = ".cfg";
	struct node *n = arg;
	struct bytes name = bytes_from(bytes_str(r->path), sizeof(front) - 1);
	uint64_t source = auth_limit_source(&n->common.shared_tables->key, &r->peer);
	uint16_t tenant = provision_tenant(n, r);
	struct phone_files *files = NULL;
	char mac[PHONE_MAC_LEN + 1];

	if (name.n == PHONE_MAC_LEN + sizeof(end) - 1 &&
	    bytes_is(bytes_from(name, PHONE_MAC_LEN), end) &&
	    device_mac_read(bytes_sub(name, 0, PHONE_MAC_LEN), mac))
		files = bare_render(n, tenant, mac, r);
	if (!files) {
		provision_status(r, 404, 0);
		return;
	}
	provision_file(r, files->list[0].text, files->list[0].type);
	phone_files_free(files);
	bare_event(n, tenant, mac, source);
}

/* Answers with the first file of a boot (MAC.cfg, cfgMAC.xml): all files of the device are
 * rendered anew and kept as one revision. */
static void on_master(struct node *n, struct web_routed *r, const struct device_entry *d,
		      const struct device_value *v)
{
	struct phone_files *files = provision_render(n, d->login.of, v, r, false);
	char hash[BOOT_HASH_MAX];
	struct store_blob blob;
	struct boot_run *run;
	uint8_t *sealed;
	size_t sealed_n;

	if (!files) {
		provision_status(r, 503, 10);
		return;
	}
	boot_hash(hash, d->mac, files->revision);
	/* by its own name: the phone may have written its MAC otherwise */
	run = boot_run_new(n, r, d->tenant, v, hash, bytes_str(files->list[files->count - 1].name));
	if (!run) {
		phone_files_free(files);
		provision_status(r, 503, 1);
		return;
	}
	if (boot_find(d->tenant, d->mac, bytes_str(files->revision)))
		phone_files_free(files);
	else
		(void)boot_keep(d->tenant, d->mac, files);
	files = boot_find(d->tenant, d->mac, bytes_from(bytes_str(hash), PHONE_MAC_LEN + 1))->files;
	sealed = n->redis->store ? boot_seal(n, run, files, &sealed_n) : NULL;
	blob = boot_blob(run);
	if (sealed)
		store_blob_put(n->redis->store, &blob, bytes_mem(sealed, sealed_n), boot_on_put,
			       run);
	else
		boot_on_put(STORE_UNKNOWN, false, (struct bytes){ 0 }, run);
	free(sealed);
}

/* MAC-REVISION/NAME */
static void on_pinned(struct web_routed *r, void *arg)
{
	struct node *n = arg;
	struct bytes rest, folder;
	char mac[PHONE_MAC_LEN + 1], hash[BOOT_HASH_MAX];
	struct device_value v;
	struct device_entry *d;
	struct boot_run *run;

	if (!path_mac(r, mac, &rest) || !bytes_cut(&rest, '/', &folder) ||
	    folder.n != BOOT_HASH_MAX - 1 || folder.p[PHONE_MAC_LEN] != '-') {
		provision_status(r, 404, 0);
		return;
	}
	d = provision_login(n, r, mac, &v);
	if (!d)
		return;
	(void)snprintf(hash, sizeof(hash), "%s-%.*s", mac, PHONE_REVISION_LEN,
		       (const char *)folder.p + PHONE_MAC_LEN + 1);
	run = boot_run_new(n, r, d->tenant, &v, hash, rest);
	if (!run) {
		provision_status(r, 404, 0);
		return;
	}
	if (boot_find(d->tenant, mac, bytes_from(bytes_str(hash), PHONE_MAC_LEN + 1)) ||
	    !n->redis->store) {
		provision_kept(run);
		free(run);
		return;
	}
	store_blob_get(n->redis->store,
		       &(struct store_blob){ boot_blob(run).tenant, BOOT_KIND, run->hash },
		       boot_on_got, run);
}

/* MAC-firmware/NAME */
static void on_firmware(struct web_routed *r, void *arg)
{
	struct node *n = arg;
	char mac[PHONE_MAC_LEN + 1], family[DEVICE_FAMILY_MAX];
	struct bytes rest, folder;
	struct device_value v;

	if (!path_mac(r, mac, &rest) || !bytes_cut(&rest, '/', &folder) ||
	    folder.n != PHONE_MAC_LEN + sizeof("-firmware") - 1) {
		provision_status(r, 404, 0);
		return;
	}
	if (!provision_login(n, r, mac, &v))
		return;
	device_family(&v, family);
	if (v.firmware)
		firmware_answer(n, r, family, rest);
	else
		provision_status(r, 404, 0);
}

/* ---- what phones upload ---- */

static void on_upload(struct web_routed *r, void *arg)
{
	struct web_route_answer a = { .status = 201 };
	struct node *n = arg;
	char mac[PHONE_MAC_LEN + 1];
	struct device_value v;
	struct device_entry *d;
	struct bytes name;

	if (!path_mac(r, mac, &name)) {
		provision_status(r, 404, 0);
		return;
	}
	d = provision_login(n, r, mac, &v);
	if (!d)
		return;
	if (device_upload_path(n, d, name, a.file, sizeof(a.file)))
		provision_answer(r, &a);
	else
		provision_status(r, 404, 0);
}

/* MAC.cfg, or what it has uploaded; without a directory of its own, that of its tenant. */
static void provision_on_file(struct web_routed *r, void *arg)
{
	struct web_route_answer a = { .status = 200, .type = "text/xml; charset=utf-8" };
	struct node *n = arg;
	char mac[PHONE_MAC_LEN + 1];
	const struct phone_file *file;
	struct phone_files *files;
	struct device_value v;
	struct device_entry *d;
	char family[DEVICE_FAMILY_MAX];
	struct bytes name;

	if (!path_mac(r, mac, &name)) {
		provision_status(r, 404, 0);
		return;
	}
	d = provision_login(n, r, mac, &v);
	if (!d)
		return;
	device_family(&v, family);
	if (phone_file_is_first(family, name)) {
		on_master(n, r, d, &v);
		return;
	}
	if (!device_upload_path(n, d, name, a.file, sizeof(a.file))) {
		provision_status(r, 404, 0);
		return;
	}
	files = bytes_is(bytes_from(name, PHONE_MAC_LEN), "-directory.xml")
			? provision_render(n, d->login.of, &v, r, false)
			: NULL;
	file = files ? phone_files_find(files, name) : NULL;
	a.text = file ? malloc(file->text.n + 1) : NULL;
	if (a.text) {
		memcpy(a.text, file->text.p, file->text.n);
		a.n = file->text.n;
	}
	phone_files_free(files);
	provision_answer(r, &a);
}

static const struct web_route g_provision_list[] = {
	{ "GET", "/000000000000.cfg", WEB_AUTH_NONE, 0, on_default },
	{ "GET", "/bare/*", WEB_AUTH_NONE, 0, on_bare },
	{ "GET", "/bare-firmware/*", WEB_AUTH_NONE, 0, on_bare_firmware },
	{ "GET", "/browser/*", WEB_AUTH_NONE, 0, phone_page_answer },
	{ "GET", "/browser/*/*", WEB_AUTH_NONE, 0, phone_page_answer },
	{ "GET", "/*-firmware/*", WEB_AUTH_LOGIN, 0, on_firmware },
	{ "GET", "/*/*", WEB_AUTH_LOGIN, 0, on_pinned },
	{ "GET", "/*", WEB_AUTH_LOGIN, UPLOAD_MAX, provision_on_file },
	{ "PUT", "/*", WEB_AUTH_LOGIN, UPLOAD_MAX, on_upload },
	{ .method = NULL },
};

bool provision_source_is_admitted(const struct node *n, const struct web_routed *r)
{
	uint64_t hash = auth_limit_source(&n->common.shared_tables->key, &r->peer);

	return stream_rate_spend(&g_provision.full_ns[hash % SOURCES], &g_source_rate,
				 clock_now_ns());
}

static void provision_on_asked(const void *item, void *arg)
{
	struct web_routed *r = *(struct web_routed *const *)item;

	if (!provision_source_is_admitted(arg, r))
		provision_status(r, 429, 5);
	else if (r->route->auth == WEB_AUTH_LOGIN && !r->user[0] && !r->digest[0])
		provision_status(r, 401, 0);
	else if (!strcmp(r->user, FACTORY_LOGIN) && !strcmp(r->password, FACTORY_LOGIN))
		provision_status(r, 401, 0);
	else
		r->route->fn(r, arg);
}

/* ---- life ---- */

static int listener_open(struct node *n, uint32_t port, const struct tls_settings *tls,
			 struct web_asks **asks, struct web_routes *routes, struct web **out)
{
	struct web_settings settings = {
		.bind = provision_settings_of(n->settings)->bind,
		.routes = routes,
		.tls = tls,
		.per_source = n->settings->limits.connections_per_source,
		.turn_ns = BOOT_TURN_NS,
		.handshakes_per_source = { NODE_HANDSHAKES_OF_SOURCE_PER_S,
					   n->settings->limits.connections_per_source },
	};
	int err = web_asks_open(asks,
				(struct web_asks_size){ sizeof(struct web_routed *),
							sizeof(struct web_route_answer),
							WEB_ROUTE_ASKS_MAX },
				provision_on_asked, n);

	if (err)
		return err;
	*routes = (struct web_routes){ g_provision_list, PROVISION_REALM, *asks,
				       provision_settings_of(n->settings)->digest };
	settings.bind.port = (uint16_t)port;
	return web_open(out, &settings);
}

/* SEC-09: phones may have an authority of their own. */
static const struct tls_settings *provision_tls(const struct node *n)
{
	static struct tls_settings tls;
	const char *ca = provision_settings_of(n->settings)->factory_ca;

	settings_to_tls(n->settings, &tls);
	if (ca[0]) {
		(void)snprintf(tls.ca, sizeof(tls.ca), "%s", ca);
		tls.clients = TLS_CLIENT_REQUIRED;
	}
	return &tls;
}

int provision_listen(struct node *n)
{
	const struct provision_settings *p = provision_settings_of(n->settings);
	char why[256] = "";
	int err = 0;

	if (!p->ftp) /* it may have been on before, and the node was killed */
		provision_ftp_forget(n);
	if (!p->http && !p->https && !p->ftp)
		return 0;
	if (phone_files_load(why, sizeof(why))) {
		LOG_ERROR("provision", 0, "a template of phones' files is wrong",
			  LOG_STR("why", why));
		return -EBADMSG;
	}
	g_provision.node = n;
	g_provision.is_loaded = true;
	firmware_reload(n);
	phone_pages_open(n);
	if (p->http)
		err = listener_open(n, p->http, NULL, &g_provision.http_asks,
				    &g_provision.http_routes, &g_provision.http);
	if (err || !p->https)
		return err;
	return listener_open(n, p->https, provision_tls(n), &g_provision.https_asks,
			     &g_provision.https_routes, &g_provision.https);
}

void provision_reload(struct node *n)
{
	firmware_reload(n);
	if (g_provision.https)
		web_tls_reload(g_provision.https, provision_tls(n));
}

static void asks_end(struct web_asks **asks)
{
	struct web_route_answer answer;
	struct web_routed *left;

	if (!*asks)
		return;
	while (web_asks_left(*asks, &left))
		web_route_free(left);
	while (web_asks_pop(*asks, &answer))
		free(answer.text);
	web_asks_close(*asks);
	*asks = NULL;
}

void provision_close(struct node *n)
{
	device_sync_close(n);
	device_roll_close();
	device_uploads_close();
	provision_ftp_forget(n);
	web_close(g_provision.http);
	web_close(g_provision.https);
	g_provision.http = g_provision.https = NULL;
	asks_end(&g_provision.http_asks);
	asks_end(&g_provision.https_asks);
	for (size_t i = 0; i < BOOTS_MAX; i++)
		phone_files_free(g_provision.boots[i].files);
	memset(g_provision.boots, 0, sizeof(g_provision.boots));
	if (g_provision.is_loaded)
		phone_files_unload();
	g_provision.is_loaded = false;
}
