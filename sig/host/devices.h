/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that authenticate by a name and a secret of their own: their MAC, as twelve hexadecimal
 * digits. Such a phone is one of the extension that is logged in at it, so that another may log in
 * without the phone being given another secret. One thread. */
#ifndef SIG_HOST_DEVICES_H
#define SIG_HOST_DEVICES_H

#include "base/table.h"
#include "sig/sip/digest.h"

enum { DEVICE_ACCOUNTS_MAX = 1 << 17, DEVICE_ACCOUNT_NAME = 12, DEVICE_NUMBER_MAX = 64 };
enum { DEVICE_ONLY_MAX = 1 << 14 };

/* As struct named begins (base/named.h). */
struct device_account {
	uint16_t tenant;
	char name[DEVICE_ACCOUNT_NAME + 1];
	char number[DEVICE_NUMBER_MAX]; /* the extension that has it now */
	uint16_t location;              /* where it stands; 0: it does not say */
	struct digest_secret secret;    /* of its name */
};

/* An extension that is logged in at a device of another site, which is its only phone then. As
 * struct named begins. */
struct device_only {
	uint16_t tenant;
	char name[DEVICE_NUMBER_MAX];
	uint64_t device; /* its MAC */
};
/* Adds or replaces it; device 0: deletes it. 0, -ENOSPC or -ENOMEM. */
int device_only_put(struct table *t, uint16_t tenant, struct bytes number,
		    uint64_t device) NODISCARD;
/* Returns 0 if it may have any phones. */
uint64_t device_only_find(const struct table *t, uint16_t tenant, struct bytes number);

/* A phone that no document names, and that may call flows alone, until an extension logs in at it.
 * A node makes its name, "MAC-NONCE", when it asks for its files. Its password follows from that
 * name by a key that all nodes have, so a flood of such phones takes no place in any table. */
enum { BARE_NONCE = 16, BARE_NAME = DEVICE_ACCOUNT_NAME + 1 + BARE_NONCE, BARE_KEY = 32 };
enum { BARE_PASSWORD = 32 };
void bare_name(struct bytes mac, uint64_t nonce, char out[BARE_NAME + 1]);
/* False: it is no such name. nonce is not 0. */
bool bare_name_read(struct bytes name, uint64_t *mac, uint64_t *nonce);
void bare_password(const uint8_t key[BARE_KEY], const char *tenant, struct bytes name,
		   char out[BARE_PASSWORD + 1]);

/* The MAC as a number, for records. 0: it is no MAC. */
uint64_t device_mac(struct bytes name);
void device_mac_write(struct writer *w, uint64_t mac);
/* Adds or replaces it. 0, -ENOSPC or -ENOMEM. */
int device_accounts_put(struct table *t, const struct device_account *account) NODISCARD;
void device_accounts_delete(struct table *t, uint16_t tenant, struct bytes name);
/* Returns NULL if no such account exists. Valid until the next put or delete. */
const struct device_account *device_accounts_find(const struct table *t, uint16_t tenant,
						  struct bytes name);

#endif
