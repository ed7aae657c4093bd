/* SPDX-License-Identifier: Apache-2.0 */
/* What a node has for each tenant beside its documents: the realm of its passwords, its profiles and ranges. Control thread. */
#ifndef APP_DOCUMENT_TENANCY_H
#define APP_DOCUMENT_TENANCY_H

#include <stdint.h>

#include "app/document/profiles.h"

struct node;

/* By number; NULL: a tenant has the profile default alone, as it is without a document. */
struct tenancy {
	struct profiles *profiles[TENANTS_MAX];
	struct profiles none;
};

/* 0 or -ENOMEM. */
int tenancy_open(struct node *n) NODISCARD;
void tenancy_close(struct node *n);
/* Of a tenant that there is; "": it has none. */
const char *document_realm(const struct node *n, uint16_t tenant);
/* Never NULL. */
const struct profiles *document_profiles(const struct node *n, uint16_t tenant);
/* To be changed. NULL: there is no such tenant, or no memory. */
struct profiles *document_profiles_own(struct node *n, uint16_t tenant);
/* The tenant is gone: they are none of whoever has its number next. */
void document_profiles_delete(struct node *n, uint16_t tenant);

#endif
