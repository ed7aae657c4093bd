/* SPDX-License-Identifier: Apache-2.0 */
/* A feature: a row of the one list (sig/feature/features.c), with what it brings to each part of
 * the core. The list lies above all that it names, and is handed to the core by its settings. */
#ifndef SIG_HOST_FEATURE_H
#define SIG_HOST_FEATURE_H

/* NULL: it has none. The order of the list is the one in which features are asked. */
struct feature {
	const char *name;                    /* the last one of a list has none */
	const struct module *call;           /* hooks of calls (sig/call/module.h) */
	const struct event_package *package; /* RFC 6665 (sig/subscription/package.h) */
	const struct object_type *objects;   /* what outlives calls (sig/shard/objects.h) */
	/* targets of INVITEs that are its own (sig/call/number_claim.h); the last has none */
	const struct number_claim *numbers;
	const struct dialled_code *codes; /* that it has a say in; the last has no function */
	const struct shard_hooks *shard;  /* hooks of shards (sig/shard/hooks.h) */
	/* what calls may ask of it (sig/host/host.h); NULL in it: of others */
	const struct services *services;
};

#endif
