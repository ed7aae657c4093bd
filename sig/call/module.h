/* SPDX-License-Identifier: Apache-2.0 */
/* What a call does other than connecting two parties is a module's: a file under sig/pbx/ that
 * exports one of these, and a feature's row (sig/feature/features.c) that names it. The core calls
 * hooks, and names no module. Each hook has a list of the modules that have it, in the order in
 * which they are asked, so modules without it cost nothing. For hooks that say whether the module
 * takes it, the first that does is the last asked. */
#ifndef SIG_CALL_MODULE_H
#define SIG_CALL_MODULE_H

#include "sig/host/feature.h"
#include "sig/model/call.h"
#include "sig/model/call_order.h"
#include "sig/model/deadline.h"
#include "sig/model/event.h"

struct call_ending;
struct dtmf;
struct request_call_end;
struct prompt_result;

/* The order of a command, and the parties that the call must have for it. */
enum order_needs { NEEDS_NOBODY, NEEDS_LEG, NEEDS_PAIR };

struct module_order {
	enum call_order_kind kind;
	enum order_needs needs;
	/* 0 or -errno as the kind says: nothing has changed. */
	enum refusal (*carry_out)(struct call_host *h, struct call *c, struct call_order *order);
};

/* What happens to a call that is about this module alone. */
struct module_event {
	enum call_event_kind kind;
	void (*on)(struct call_host *h, struct call *c, const struct call_event *ev);
};

/* In-call codes of the parties of a call (sig/sip/feature_code.h). */
struct module_codes {
	uint32_t codes; /* 1 << enum call_code each */
	/* The party of the leg may use them. */
	bool (*may)(const struct call_host *h, const struct call *c, uint8_t leg);
	/* It has. whole: those that it can be, a bit each. */
	void (*pressed)(struct call_host *h, struct call *c, uint8_t leg, uint32_t whole);
	/* ... and digits up to a '#' behind it, none of which the other party hears; with '*' in
	 * place of '#' nothing is called. Instead of pressed. NULL: no digits follow its codes. */
	void (*entered)(struct call_host *h, struct call *c, uint8_t leg, struct bytes digits);
};

/* The last step of a plan, before it rings. */
struct plan_target {
	struct bytes user;                   /* of ours, or a number */
	struct bytes display, caller;        /* the caller's name and number */
	const struct shard_forward *forward; /* what the user has set; NULL: nothing */
};

/* Copies of the audio of a leg in both directions: struct flow_spec (media/flow.h). */
struct leg_taps {
	uint8_t tap, tap_live;
	bool tap_fork;
};

/* What it asks the world for. */
struct module_reply {
	enum ask ask;
	void (*on)(struct call_host *h, struct call *c, const struct reply *reply);
};

/* The hooks that have a list: members of struct module. Beside these are screen_ms, which goes with
 * screened, and ranks. */
#define MODULE_HOOKS(X)                 \
	X(ORDERS, orders)               \
	X(EVENTS, events)               \
	X(CODES, codes)                 \
	X(REPLIED, replied)             \
	X(BEGUN, begun)                 \
	X(REQUEST, request)             \
	X(REPEATED, repeated)           \
	X(RESPONSE, response)           \
	X(SAVED, saved)                 \
	X(OVERDUE, overdue)             \
	X(SETTLE, settle)               \
	X(FOLLOW, follow)               \
	X(TAP, tap)                     \
	X(OVERLAY, overlay)             \
	X(DEADLINES, deadlines)         \
	X(NEXT, next)                   \
	X(RESUMED, resumed)             \
	X(DIALOG, dialog)               \
	X(ANSWERING, answering)         \
	X(SCREENED, screened)           \
	X(ANSWERED, answered)           \
	X(ESTABLISHED, established)     \
	X(UNANSWERED, unanswered)       \
	X(LEG_LEFT, leg_left)           \
	X(PARTED, parted)               \
	X(OVER, over)                   \
	X(RELEASED, released)           \
	X(MESSAGE_START, message_start) \
	X(MESSAGE_END, message_end)     \
	X(PROMPTED, prompted)           \
	X(OUTSIDE, outside)             \
	X(TAGGED, tagged)               \
	X(ENDED, ended)                 \
	X(ADMIT, admit)                 \
	X(DIALLED, dialled)             \
	X(ANSWERS, answers)             \
	X(HEADERS, headers)             \
	X(WITHHELD, withheld)           \
	X(RECORD_TERMS, record_terms)   \
	X(REACHED_AT, reached_at)

enum module_hook {
#define X(id, name) HOOK_##id,
	MODULE_HOOKS(X)
#undef X
		MODULE_HOOK_COUNT
};

/* The place of a module among those of a hook, where that is not its feature's place among the
 * features: they are asked by rank, those without one have 0, and the list decides between
 * equals. */
struct module_rank {
	enum module_hook hook;
	int rank;
};

/* Which calls of a party are recorded, and where: enums of sig/host/extension.h. */
struct recording_terms {
	uint8_t method, directions, scope, to;
};

/* NULL: it does not care. */
struct module {
	const struct module_rank *ranks;   /* the last has rank 0 */
	const struct module_order *orders; /* the last has no function */
	const struct module_event *events; /* likewise */
	const struct module_codes *codes;
	const struct module_reply *replied;
	/* A call begins, and its dialled number or INVITE is this module's. Returns false if not.
	 * If true, *refused says whether it can proceed. */
	bool (*begun)(struct call_host *h, struct call *c, const struct call_start *start,
		      enum refusal *refused, struct call_refusal *refusal);
	/* A request of an established or ringing party that the core does not answer. Returns false
	 * if the module does not either. */
	bool (*request)(struct call_host *h, struct call *c, const struct call_event *ev);
	/* A request that the previous process may have accepted, with its answer lost. Returns true
	 * if it got the same answer. */
	bool (*repeated)(struct call_host *h, struct call *c, const struct call_event *ev);
	/* A response to a request of ours that is not the core's, or its timeout. */
	void (*response)(struct call_host *h, struct call *c, const struct call_event *ev);
	/* The last step of its plan, which rings no phone, is saved (OUTBOX_WAIT), or the call
	 * continues in another process. */
	void (*saved)(struct call_host *h, struct call *c);
	/* The time of that step is over (plan.until_ns). False: it is not this module's. */
	bool (*overdue)(struct call_host *h, struct call *c);
	/* At the end of each step, before what waits for a save is sent. It looks at the state of
	 * the call, not at events, so nothing is lost if a process ends in between. */
	void (*settle)(struct call_host *h, struct call *c);
	/* After each step, and after the call has begun, when all that was saved has been sent:
	 * derived from the state of the call. */
	void (*follow)(struct call_host *h, struct call *c);
	/* The copies that it wants of the audio of the leg. */
	void (*tap)(const struct call *c, uint8_t leg, struct leg_taps *taps);
	/* A tone mixed into what the party of the flow hears. Returns false without one. */
	bool (*overlay)(const struct call_host *h, const struct call *c, const struct call_flow *f,
			struct media_overlay *out);
	/* Its deadlines in the call, handled at the end of each step, before its settle. */
	const struct deadline *deadlines;
	/* The earliest deadline of repeated objects of the call, or next. Its follow handles
	 * them. */
	uint64_t (*next)(const struct call *c, uint64_t next);
	/* The call goes on in another process. */
	void (*resumed)(struct call_host *h, struct call *c);
	/* An event of a dialog of its own, outside the legs (LEG_OF_MODULE). */
	void (*dialog)(struct call_host *h, struct call *c, const struct call_event *ev);
	/* The answer to the INVITE of the leg is chosen, and not written yet. */
	void (*answering)(struct call_host *h, struct call *c, uint8_t leg);
	/* The time in which a callee must confirm the answered call by a DTMF digit; 0: not
	 * needed. */
	uint32_t (*screen_ms)(const struct call *c, uint8_t leg);
	/* The callee is asked to confirm (key 0), or sent a digit. Returns true if he takes the
	 * call. */
	bool (*screened)(struct call_host *h, struct call *c, uint8_t leg, char key);
	/* Its callee has answered, and the caller knows. */
	void (*answered)(struct call_host *h, struct call *c);
	/* Two parties are bridged, or one talks with the node. */
	void (*established)(struct call_host *h, struct call *c);
	/* No callee took the call. Returns true if it goes on nevertheless. */
	bool (*unanswered)(struct call_host *h, struct call *c, const struct call_ending *e);
	/* The party of a leg outside the bridge hung up. */
	void (*leg_left)(struct call *c, uint8_t leg);
	/* The party of a leg of the bridge has left. True: the call goes on with the other one. */
	bool (*parted)(struct call_host *h, struct call *c, uint8_t leg,
		       const struct call_ending *e);
	/* The call ends. */
	void (*over)(struct call_host *h, struct call *c);
	/* This process has the call no longer: it is over, or another one goes on with it. */
	void (*released)(struct call_host *h, const struct call *c);
	/* Records the party of the leg as a message (prompts.h): returns its number, or 0 if
	 * impossible. mailbox: where it is stored. */
	uint8_t (*message_start)(struct call_host *h, struct call *c, uint8_t leg,
				 struct bytes mailbox);
	void (*message_end)(struct call_host *h, struct call *c, uint8_t number);
	/* What the node itself asked a caller for (prompts_collect). */
	void (*prompted)(struct call_host *h, struct call *c, const struct prompt_result *result);
	/* The call goes outside: the leg is to a trunk. NULL: a leg for the last step is to be. */
	enum refusal (*outside)(struct call_host *h, struct call *c, struct leg *l,
				struct call_refusal *refusal);
	/* A flow sets a tag. Returns false if it is not this module's. If true, *taken says whether
	 * it was set. */
	bool (*tagged)(struct call_host *h, struct call *c, struct bytes name, struct bytes value,
		       bool *taken);
	/* The store is told that the call is over. */
	void (*ended)(const struct call_host *h, const struct call *c,
		      struct request_call_end *end);
	/* The user of the last step takes the call, or *why it is forwarded. */
	enum refusal (*admit)(const struct call_host *h, const struct call *c,
			      const struct plan_target *at, enum plan_why *why,
			      struct call_refusal *refusal);
	/* The last step rings no phone: begins what calls to it are. Returns false if it is not
	 * this module's. If true, *refused says whether it can. */
	bool (*dialled)(struct call_host *h, struct call *c, const struct plan_target *at,
			enum refusal *refused, struct call_refusal *refusal);
	/* Whether this module answers or takes over calls forwarded to that number, which is no
	 * user's, instead of ringing phones. */
	bool (*answers)(const struct call_host *h, const struct call *c, struct bytes user,
			struct bytes number);
	/* Header lines of an INVITE to the leg. */
	void (*headers)(struct writer *w, const struct call_host *h, const struct call *c,
			uint8_t leg);
	/* Why the extension may not call that number outside as the call is. Asked where a number
	 * comes from elsewhere than the INVITE of the call. */
	enum refusal (*withheld)(const struct call_host *h, const struct call *c,
				 struct bytes extension, struct bytes number);
	/* How the user of the leg is recorded by what rang him, before his own terms (REC-01).
	 * False: it says nothing. */
	bool (*record_terms)(const struct call_host *h, const struct call *c, uint8_t leg,
			     struct recording_terms *terms);
	/* The number outside at which the user is rung for this call, in his name, in place of his
	 * phones; who answers there is the user. Empty: none. */
	struct bytes (*reached_at)(const struct call_host *h, const struct call *c,
				   struct bytes user);
};

enum { MODULES_MAX = 48 };

/* The modules of each hook, in their order; the last of a list is NULL. */
struct module_lists {
#define X(id, name) const struct module *name[MODULES_MAX + 1];
	MODULE_HOOKS(X)
#undef X
};

/* The lists that follow from the features: module_lists_free. Returns NULL without memory. */
struct module_lists *module_lists_create(const struct feature *features);
void module_lists_free(struct module_lists *lists); /* NULL is fine */

/* Each asks those that have the hook. */
void modules_on_event(struct call_host *h, struct call *c, const struct call_event *ev);
void modules_replied(struct call_host *h, struct call *c, const struct reply *reply);
bool modules_begun(struct call_host *h, struct call *c, const struct call_start *start,
		   enum refusal *refused, struct call_refusal *refusal);
bool modules_request(struct call_host *h, struct call *c, const struct call_event *ev);
bool modules_repeated(struct call_host *h, struct call *c, const struct call_event *ev);
void modules_response(struct call_host *h, struct call *c, const struct call_event *ev);
void modules_saved(struct call_host *h, struct call *c);
bool modules_overdue(struct call_host *h, struct call *c);
void modules_settle(struct call_host *h, struct call *c);
void modules_follow(struct call_host *h, struct call *c);
struct leg_taps modules_tap(const struct call_host *h, const struct call *c, uint8_t leg);
struct media_overlay modules_overlay(const struct call_host *h, const struct call *c,
				     const struct call_flow *f);
/* The earliest of their deadlines, or next. */
uint64_t modules_next(const struct call_host *h, struct call *c, uint64_t next);
void modules_resumed(struct call_host *h, struct call *c);
void modules_dialog(struct call_host *h, struct call *c, const struct call_event *ev);
void modules_answering(struct call_host *h, struct call *c, uint8_t leg);
uint32_t modules_screen_ms(const struct call_host *h, const struct call *c, uint8_t leg);
bool modules_screened(struct call_host *h, struct call *c, uint8_t leg, char key);
void modules_answered(struct call_host *h, struct call *c);
void modules_established(struct call_host *h, struct call *c);
bool modules_unanswered(struct call_host *h, struct call *c, const struct call_ending *e);
void modules_leg_left(struct call_host *h, struct call *c, uint8_t leg);
bool modules_parted(struct call_host *h, struct call *c, uint8_t leg, const struct call_ending *e);
void modules_over(struct call_host *h, struct call *c);
void modules_released(struct call_host *h, const struct call *c);
uint8_t modules_message_start(struct call_host *h, struct call *c, uint8_t leg,
			      struct bytes mailbox);
void modules_message_end(struct call_host *h, struct call *c, uint8_t number);
void modules_prompted(struct call_host *h, struct call *c, const struct prompt_result *result);
bool modules_tagged(struct call_host *h, struct call *c, struct bytes name, struct bytes value,
		    bool *taken);
enum refusal modules_outside(struct call_host *h, struct call *c, struct leg *l,
			     struct call_refusal *refusal) NODISCARD;
void modules_ended(const struct call_host *h, const struct call *c, struct request_call_end *end);
enum refusal modules_admit(const struct call_host *h, const struct call *c,
			   const struct plan_target *at, enum plan_why *why,
			   struct call_refusal *refusal);
bool modules_dialled(struct call_host *h, struct call *c, const struct plan_target *at,
		     enum refusal *refused, struct call_refusal *refusal);
/* user: the forwarding user. */
bool modules_answers(const struct call_host *h, const struct call *c, struct bytes user,
		     struct bytes number);
void modules_headers(struct writer *w, const struct call_host *h, const struct call *c,
		     uint8_t leg);
enum refusal modules_withheld(const struct call_host *h, const struct call *c,
			      struct bytes extension, struct bytes number) NODISCARD;
bool modules_record_terms(const struct call_host *h, const struct call *c, uint8_t leg,
			  struct recording_terms *terms) NODISCARD;
struct bytes modules_reached_at(const struct call_host *h, const struct call *c, struct bytes user);

#endif
