/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones that no document names. Where their tenant has an extension for them, each request for
 * their file is answered with a name and a password of its own, for any MAC alike. Those may call
 * #17, and nothing is stored of them. The ones by which somebody has logged in there become those
 * of the device: any other one that asks by the same MAC has others, which prove nothing.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/feature/provision/device.h"
#include "app/feature/provision/provision_facts.h"
#include "app/node/node.h"
#include "app/web/web_route.h"
#include "sig/shard/shared_tables.h"

const char *bare_extension(const struct node *n, uint16_t tenant)
{
	const char *number = tenants_terms(n->common.tenants, tenant)->bare_phones;

	return number[0] && extensions_has(n->api.extensions, tenant, bytes_str(number)) ? number
											 : "";
}

void bare_secret(const struct node *n, uint16_t tenant, struct bytes name,
		 char out[BARE_PASSWORD + 1])
{
	bare_password(n->common.shared_tables->bare_key, tenants_name(n->common.tenants, tenant),
		      name, out);
}

bool bare_proves(const struct node *n, uint16_t tenant, const char *mac, const struct web_routed *r)
{
	char password[BARE_PASSWORD + 1];
	uint64_t device, nonce;
	bool same;

	if (!bare_name_read(bytes_str(r->user), &device, &nonce) ||
	    device != device_mac(bytes_str(mac)) || strlen(r->password) != BARE_PASSWORD)
		return false;
	bare_secret(n, tenant, bytes_str(r->user), password);
	same = !CRYPTO_memcmp(password, r->password, BARE_PASSWORD);
	explicit_bzero(password, sizeof(password));
	return same;
}

struct phone_files *bare_render(struct node *n, uint16_t tenant, const char *mac,
				struct web_routed *r)
{
	struct device_value v = { .columns = 1, .video_kbps = 768, .password = "its own" };
	const char *number = bare_extension(n, tenant);

	if (!number[0])
		return NULL;
	(void)bytes_cstr(bytes_str(mac), v.mac, sizeof(v.mac));
	(void)bytes_cstr(bytes_str(number), v.extensions, sizeof(v.extensions));
	bare_name(bytes_str(mac), rand_u64_from(&n->rand) | 1, r->user);
	bare_secret(n, tenant, bytes_str(r->user), r->password);
	return provision_render(n, tenant, &v, r, true);
}

bool bare_adopt(struct command_run *run, struct device_value *v, bool there,
		char password[BARE_PASSWORD + 1])
{
	uint16_t tenant = document_tenant(run);
	struct bytes name = command_value(run, "bare")->text;
	const char *number = bare_extension(run->node, tenant);
	char user[DEVICE_USER_MAX];
	uint64_t device, nonce;

	device_wanted(run, user);
	if (!number[0] || !bare_name_read(name, &device, &nonce) ||
	    device != device_mac(bytes_str(v->mac)) ||
	    (there && (strcmp(v->extensions, number) != 0 ||
		       (device_user(v)[0] && strcmp(user, device_user(v)) != 0))))
		return false;
	if (!there)
		(void)bytes_cstr(bytes_str(number), v->extensions, sizeof(v->extensions));
	bare_secret(run->node, tenant, name, password);
	return true;
}
