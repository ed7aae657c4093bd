/* SPDX-License-Identifier: Apache-2.0 */
/* The kind of document "account": account codes of a tenant, which extensions give for calls.
 * account_field.c has the fields; the commands account.* are the common ones of documents. The
 * codes live in the shared_tables, which all shards of the node read. */

#include "app/document/document.h"
#include "app/feature/account/account_field.h"
#include "app/node/node.h"
#include "sig/shard/shared_tables.h"

static int account_apply(struct node *node, uint16_t tenant, const void *value)
{
	struct account_code a = ((const struct account_value *)value)->core;

	a.tenant = tenant;
	return accounts_put(node->common.shared_tables->accounts, &a);
}

static void account_forget(struct node *node, uint16_t tenant, const char *name)
{
	accounts_delete(node->common.shared_tables->accounts, tenant, bytes_str(name));
}

const struct document_kind g_account_documents = {
	.rank = 1,
	.name = "account",
	.argument = "code",
	.several = "account codes",
	.places = 1 << 19,
	.share = 20000,
	.quota = "max_accounts",
	.item = TENANT_ACCOUNTS,
	.size = sizeof(struct account_value),
	.form = &g_account_form,
	.apply = account_apply,
	.forget = account_forget,
};
