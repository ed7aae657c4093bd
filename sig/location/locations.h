/* SPDX-License-Identifier: Apache-2.0 */
/* The location service of a node: the registrar's entries, their saves, and the users reached by
 * each connection. One for all shards of the node, on their thread. Pure: registrations, timers and
 * the store's answers in, effects out. After every call below, and every call of a shard, the owner
 * carries out locations_effects() and clears them. */
#ifndef SIG_LOCATION_LOCATIONS_H
#define SIG_LOCATION_LOCATIONS_H

#include "base/clock.h"
#include "base/pool.h"
#include "base/rand.h"
#include "sig/host/effect.h"
#include "sig/location/registrar.h"

struct shard_settings;

struct locations;
struct location; /* one address of record */

/* Needs of the settings: boot, tenants, locals, registrations_max. node: its name among those that
 * share the store; "": single node. Returns 0 or -errno. */
int locations_open(struct locations **out, const struct shard_settings *settings, const char *node,
		   struct rand_source *rand, struct instant now) NODISCARD;
void locations_close(struct locations *l); /* no shard uses them any more; NULL: nothing */
struct effects *locations_effects(struct locations *l);
/* Those of the settings; without any it has a table of its own, with the default one. */
struct tenants *locations_tenants(const struct locations *l);

/* ---- for a shard ---- */
struct locations_user {
	struct locations_user *next;
	void *owner;
	/* Functions that a user of locations does not need are NULL, such as those about
	 * REGISTER. */
	/* A REGISTER that waited may be answered: with *response, which may be taken; empty: 503,
	 * another node has written the entry. */
	void (*answer)(void *owner, pool_handle txn, struct text *response, struct instant now);
	/* A REGISTER that waited is to be applied once more, and to wait or be answered. */
	void (*again)(void *owner, pool_handle txn, struct instant now);
	/* What locations_request was asked for is known now. */
	void (*found)(void *owner, uint64_t token, struct instant now);
	/* A phone of that user is where the other hop leads from now on. */
	void (*moved)(void *owner, uint16_t tenant, struct bytes user, const struct sip_hop *from,
		      const struct sip_hop *to, struct instant now);
	/* That user has a phone more or less, or one that is elsewhere. */
	void (*changed)(void *owner, uint16_t tenant, struct bytes user, struct instant now);
};
/* Until it leaves; nothing that it waits for is answered then. */
void locations_join(struct locations *l, struct locations_user *user);
void locations_leave(struct locations *l, struct locations_user *user);
/* Time goes on. */
void locations_set_now(struct locations *l, struct instant now);
/* Returns NULL if not found. */
struct location *location_get(const struct locations *l, uint16_t tenant, struct bytes user);
struct location *location_add(struct locations *l, uint16_t tenant,
			      struct bytes user); /* NULL: full */
const struct aor *location_entry(const struct location *a);
/* The next device of a REGISTER, by +sip.instance, that the user has no binding of. */
bool location_device_next(const struct location *a, const struct sip_message *m, unsigned *cursor,
			  struct bytes *instance);
/* An authenticated REGISTER (registrar_step). A caller that changes an entry settles it: it may be
 * gone then. */
void location_register(struct locations *l, struct location *a, const struct sip_message *m,
		       const struct registrar_settings *settings, struct registrar_answer *answer);
/* REG-27: the device has as many accounts as it may. */
void location_refuse_device(struct registrar_answer *answer);
/* Its response waits until this version is saved. Returns false if too many wait. */
bool location_wait(struct location *a, struct locations_user *user, pool_handle txn,
		   struct text *response);
void location_settle(struct locations *l, struct location *a);
/* Nothing newer of the user may be with another node. */
bool locations_know(const struct locations *l, uint16_t tenant, struct bytes user);
/* The store cannot tell whether he is registered at another node: it is away, or did not answer
 * last time. */
bool locations_unread(const struct locations *l, uint16_t tenant, struct bytes user);
bool location_is_known(const struct locations *l, const struct location *a);
/* There may be other nodes, */
bool locations_are_shared(const struct locations *l);
/* and the store can be asked. */
bool locations_has_others(const struct locations *l);
/* The store is asked; found is called later. False: too many ask. */
bool locations_request(struct locations *l, uint16_t tenant, struct bytes user,
		       struct locations_user *asker, uint64_t token);
/* The same for a REGISTER: again is called later. The caller settles. */
enum location_asker { LOCATION_REGISTER, LOCATION_INVITE };
bool location_request(struct locations *l, struct location *a, struct locations_user *user,
		      enum location_asker asker, uint64_t token);
/* Header lines for the answer (registrar.h). */
void location_write_headers(const struct locations *l, const struct location *a, struct writer *w,
			    const struct registrar_answer *answer,
			    const struct registrar_settings *settings,
			    const struct registrar_gruu *gruu);
/* What that connection alone reached is reached no more. */
void locations_closed(struct locations *l, uint64_t connection);
/* Nothing waits for a save now. */
bool locations_is_degraded(const struct locations *l);
/* The time that bindings are measured by. */
uint64_t locations_utc_ms(const struct locations *l);

/* ---- events ---- */
void locations_expire(struct locations *l, struct instant now);
uint64_t locations_next_ns(const struct locations *l);
enum location_result { BINDING_SAVED, BINDING_CONFLICT, BINDING_FAILED };
void locations_saved(struct locations *l, struct bytes tenant, struct bytes user, uint64_t version,
		     enum location_result result, struct instant now);
/* The answer to EFFECT_BINDING_GET: BINDING_SAVED: this is there; empty: nothing is. */
void locations_got(struct locations *l, struct bytes tenant, struct bytes user,
		   enum location_result result, struct bytes record, struct instant now);
/* The store is away: nothing waits for saves. Back (degraded false): everything is saved again. */
void locations_degraded(struct locations *l, bool degraded, struct instant now);
/* It was late only: what it has not acknowledged is saved again. */
void locations_caught_up(struct locations *l, struct instant now);
/* The user was deleted: his phones are unregistered, so a later owner of the number does not
 * inherit them. */
void locations_forget(struct locations *l, uint16_t tenant, struct bytes user, struct instant now);
/* That device is not the user's any more: its registrations at this node are over. */
void locations_device_left(struct locations *l, uint16_t tenant, struct bytes user, uint64_t device,
			   struct instant now);
/* That device is the only phone of the user (REG-30): likewise all others, but for browsers. */
void locations_others_left(struct locations *l, uint16_t tenant, struct bytes user, uint64_t device,
			   struct instant now);

/* ---- after a restart ---- */
/* 0, -EBADMSG (broken; reason says why; nothing is changed), -EEXIST, -ENOSPC, -EPROTONOSUPPORT. */
int locations_restore(struct locations *l, struct bytes record, struct instant now,
		      const char **reason) NODISCARD;
/* Starts the timers of what was restored. */
void locations_resume(struct locations *l, struct instant now);

/* ---- for those who look ---- */
/* Walks addresses of record; NULL at the end. Valid until the next event. */
const struct aor *locations_next(const struct locations *l, uint32_t *cursor);
const struct aor *locations_find(const struct locations *l, uint16_t tenant, struct bytes user);
/* A time of a binding as the wall shows it. */
uint64_t locations_wall_utc_ms(const struct locations *l, uint64_t utc_ms);
/* Where the registered phones are. */
typedef void locations_hop_fn(const struct sip_hop *hop, void *arg);
void locations_hops(const struct locations *l, locations_hop_fn *each, void *arg);
struct locations_counts {
	uint32_t aors, bindings;
	uint64_t saves_pending;
};
void locations_count(const struct locations *l, struct locations_counts *out);
uint32_t locations_aors(const struct locations *l);
uint32_t locations_bindings(const struct locations *l);

#endif
