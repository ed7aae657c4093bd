/* SPDX-License-Identifier: Apache-2.0 */
/* The accounts of devices (devices.h): a table by tenant and MAC. Filled from documents, asked for
 * each name that is no extension's. Secrets are wiped when an account goes. One thread. */
#include "sig/host/devices.h"

#include <stdlib.h>
#include <string.h>

#include "base/named.h"

uint64_t device_mac(struct bytes name)
{
	uint8_t octets[DEVICE_ACCOUNT_NAME / 2];
	uint64_t mac = 0;
	size_t n;

	if (name.n != DEVICE_ACCOUNT_NAME || hex_decode(name, octets, sizeof(octets), &n))
		return 0;
	for (size_t i = 0; i < n; i++)
		mac = mac << 8 | octets[i];
	return mac;
}

void device_mac_write(struct writer *w, uint64_t mac)
{
	uint8_t octets[DEVICE_ACCOUNT_NAME / 2];

	for (size_t i = sizeof(octets); i-- > 0; mac >>= 8)
		octets[i] = (uint8_t)mac;
	writer_hex(w, bytes_mem(octets, sizeof(octets)));
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
