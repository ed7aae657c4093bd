/* SPDX-License-Identifier: Apache-2.0 */
/* The accounts of devices (devices.h): a table by tenant and MAC. Filled from documents, asked for
 * each name that is no extension's. Secrets are wiped when an account goes. One thread. */
#include "sig/host/devices.h"

#include <stdlib.h>
#include <string.h>

#include "base/named.h"

static uint64_t hex_number(struct bytes text)
{
	uint8_t octets[sizeof(uint64_t)];
	uint64_t number = 0;
	size_t n;

	if (hex_decode(text, octets, sizeof(octets), &n))
		return 0;
	for (size_t i = 0; i < n; i++)
		number = number << 8 | octets[i];
	return number;
}

static void number_hex(struct writer *w, uint64_t number, size_t n)
{
	uint8_t octets[sizeof(number)];

	for (size_t i = n; i-- > 0; number >>= 8)
		octets[i] = (uint8_t)number;
	writer_hex(w, bytes_mem(octets, n));
}

uint64_t device_mac(struct bytes name)
{
	return name.n == DEVICE_ACCOUNT_NAME ? hex_number(name) : 0;
}

void device_mac_write(struct writer *w, uint64_t mac)
{
	number_hex(w, mac, DEVICE_ACCOUNT_NAME / 2);
}

void bare_name(struct bytes mac, uint64_t nonce, char out[BARE_NAME + 1])
{
	struct writer w = writer_over(out, BARE_NAME);

	writer_bytes(&w, mac);
	writer_u8(&w, '-');
	number_hex(&w, nonce, sizeof(nonce));
	out[w.n] = '\0';
}

bool bare_name_read(struct bytes name, uint64_t *mac, uint64_t *nonce)
{
	if (name.n != BARE_NAME || name.p[DEVICE_ACCOUNT_NAME] != '-')
		return false;
	*mac = device_mac(bytes_sub(name, 0, DEVICE_ACCOUNT_NAME));
	*nonce = hex_number(bytes_from(name, DEVICE_ACCOUNT_NAME + 1));
	return *mac && *nonce;
}

void bare_password(const uint8_t key[BARE_KEY], const char *tenant, struct bytes name,
		   char out[BARE_PASSWORD + 1])
{
	const struct bytes parts[] = { bytes_str(tenant), BYTES_LIT(" "), name };
	struct writer w = writer_over(out, BARE_PASSWORD);
	uint8_t hash[HMAC_SHA1_LEN];

	hmac_sha1_of(bytes_mem(key, BARE_KEY), parts, COUNT_OF(parts), hash);
	writer_hex(&w, bytes_mem(hash, BARE_PASSWORD / 2));
	out[w.n] = '\0';
	explicit_bzero(hash, sizeof(hash));
}

int device_accounts_put(struct table *t, const struct device_account *account)
{
	int err;
	struct device_account *at =
		named_put(t, account->tenant, bytes_str(account->name), sizeof(*at), &err);

	if (at)
		*at = *account;
	return err;
}

void device_accounts_delete(struct table *t, uint16_t tenant, struct bytes name)
{
	struct device_account *at = named_find(t, tenant, name);

	if (!at)
		return;
	named_remove(t, at);
	explicit_bzero(at, sizeof(*at));
	free(at);
}

const struct device_account *device_accounts_find(const struct table *t, uint16_t tenant,
						  struct bytes name)
{
	return named_find(t, tenant, name);
}

int device_only_put(struct table *t, uint16_t tenant, struct bytes number, uint64_t device)
{
	struct device_only *at = device ? NULL : named_find(t, tenant, number);
	int err = 0;

	if (device)
		at = named_put(t, tenant, number, sizeof(*at), &err);
	else if (at)
		named_remove(t, at);
	if (at && device)
		at->device = device;
	else
		free(at);
	return err;
}

uint64_t device_only_find(const struct table *t, uint16_t tenant, struct bytes number)
{
	const struct device_only *at = named_find(t, tenant, number);

	return at ? at->device : 0;
}
