/* SPDX-License-Identifier: Apache-2.0 */
/* A call runs a flow (docs/flows.md). The interpreter (sig/flow/program.h) chooses the next verb;
 * it is carried out here, and its outcome goes back. What others can observe begins when the
 * position is saved; verbs that only decide run on in one step. A successor continues at the verb:
 * one that has begun is in the record, any other begins then. READY -> (caller answered) -> WAITS
 * -> ENDED -> READY of the next verb. The flow is over when anything else takes the caller. */
#ifndef SIG_PBX_FLOW_FLOW_H
#define SIG_PBX_FLOW_FLOW_H

#include "sig/call/module.h"
#include "sig/model/flow_run.h"

/* A turn of one call. */
struct flow_turn_of {
	struct call_host *h;
	struct call *c;
	const struct flow_program *p;
	struct flow_verb *v;
};

/* No outcome yet: the verb has begun (flow_run.kind); the call ends or continues in another flow;
 * what it began was lost, so it begins anew; or an answer is awaited. */
enum { VERB_BEGUN = -1, VERB_LEAVES = -2, VERB_AGAIN = -3, VERB_ASKS = -4 };

/* How a verb is carried out. */
struct flow_act {
	const char *name;
	bool alone; /* its caller is answered first */
	/* enum flow_outcome, or one of those above. It may set flow_run.value. */
	int (*begin)(struct flow_turn_of *t);
	bool saves; /* what others observe of it waits for a save anyway */
};
/* Verbs that give the caller to somewhere else (places.c). The last one has no name. */
extern const struct flow_act g_place_acts[];
/* NULL: it is not, and its outcome is failed. */
const struct flow_act *flow_act_of(const struct flow_verb *v);
/* Asks a helper process of the node. VERB_ASKS, or OUTCOME_FAILED. */
int verb_request(struct flow_turn_of *t, enum help what, struct bytes data, uint32_t ms);
/* As effects_request for the verb, which waits ms for the answer. */
void *verb_asks(struct flow_turn_of *t, enum effect_kind kind, uint32_t ms,
		const struct bytes *texts);
/* What the world says to a program. */
struct flow_world flow_world_of(struct flow_turn_of *t);

/* Of a verb that gives its caller to a place: VERB_BEGUN (there, or on its way), the outcome, or
 * VERB_AGAIN. */
int place_look(struct call *c);
/* The reply about a call to be picked up. */
void place_replied(struct call_host *h, struct call *c, const struct reply *reply);
/* Its time is over; as above. */
int place_overdue(struct call_host *h, struct call *c);
/* Its caller is in the call alone again. */
void place_leave(struct call_host *h, struct call *c);
/* The verb that was begun has ended so: the next one follows at the end of this step. */
void flow_ended(struct call *c, enum flow_outcome outcome);
/* The verb at the position, which waited for an answer to begin, begins. */
void flow_again(struct call_host *h, struct call *c);
/* A number among the arguments of a verb. */
uint32_t verb_number(const struct flow_verb *v, const char *arg);
/* Appends the verb's prompts to terms. Returns false if there are too many, or a name is too
 * long. */
bool verb_prompts(struct prompt_terms *terms, const struct flow_verb *v, const char *arg);

/* ---- verbs.c ---- */
/* Where a call is, in words. Empty: in no flow. */
void flow_describe(const struct call_host *h, const struct call *c, struct writer *w);

/* ---- http.c ---- */
int verb_http(struct flow_turn_of *t);
/* The process has the program of a call that it took over: connects its application if that gave it
 * by WebSocket. */
void http_link(struct call_host *h, struct call *c, const struct flow_program *p);
/* The call is over. */
void http_leave(struct call_host *h, struct call *c);

/* ---- message.c ---- */
int verb_message(struct flow_turn_of *t);
/* A draft becomes a message, or is dropped as too short; nothing waits for that. */
void message_leave(const struct call_host *h, struct call *c);
/* The verb forwards a message behind the draft, and the call ends: it is forwarded, and nothing
 * waits for that. Any other verb: nothing. */
void message_forward_last(struct flow_turn_of *t);
/* Another flow has the call. */
void message_goes_along(struct flow_run *r, struct flow_run *former);
void message_replied(struct call_host *h, struct call *c, const struct reply *reply);

/* ---- login.c ---- */
int verb_login(struct flow_turn_of *t);
int verb_pin(struct flow_turn_of *t);
int verb_device(struct flow_turn_of *t);
int verb_greeting(struct flow_turn_of *t);
int verb_notification(struct flow_turn_of *t);
/* The arguments from and until, as keyed: HH:MM-HH:MM, or nothing for any time. Returns false if a
 * time is invalid. */
bool verb_times(const struct flow_verb *v, struct writer *w);
/* Its caller has proven that he may. */
bool login_has(const struct call *c, struct bytes box);
struct verb_member {
	const char *name; /* NULL: the last one */
	struct bytes value;
	bool is_number; /* it is JSON as it is */
};
/* A command of the tenant, by the node. VERB_ASKS, or OUTCOME_FAILED. */
int verb_command(struct flow_turn_of *t, const char *command, const struct verb_member *members,
		 uint32_t ms);

/* ---- refer.c ---- */
int verb_refer(struct flow_turn_of *t);
/* At the end of each step: sends the REFER, or repeats it after a takeover. Returns VERB_BEGUN or
 * OUTCOME_FAILED. */
int refer_look(struct call_host *h, struct call *c);
/* An answer to the REFER, or none came. */
void refer_answered(struct call_host *h, struct call *c, const struct call_event *ev);
/* A request of the caller. False: no NOTIFY of a REFER. */
bool refer_notified(struct call_host *h, struct call *c, const struct call_event *ev);
/* The last one has its answer when its outcome is saved, and then the flow goes on. */
void refer_notify_answer(struct call_host *h, struct call *c);

/* ---- directory.c ---- */
int verb_directory(struct flow_turn_of *t);
/* The flow reads names out, and one was played. Returns the outcome, with the number in
 * flow_run.value, or VERB_AGAIN for the next name. */
bool directory_reads(const struct call *c);
int directory_prompted(struct call *c, const struct prompt_result *result);

/* ---- dial.c ---- */
int verb_dial(struct flow_turn_of *t);
/* The targets of the record ring, those that are left. */
int dial_go_on(struct flow_turn_of *t);
/* Of the list in the record. False: it has not so many. */
bool dial_target_at(const struct flow_run *r, uint8_t i, struct bytes *number);
/* Who is rung from now on is shown these before the caller's name, if any: the prefix, and the
 * number that was called. */
void flow_show(struct call *c, const char *prefix, bool show_called);
/* The caller is to be answered first. */
bool dial_answers(const struct flow_turn_of *t);
/* From now on who answers outside hears that prompt, and takes the call by one of the keys. False:
 * no memory. */
bool dial_confirm_outside(struct call *c, const char *prompt, const char *keys) NODISCARD;
/* The callee that answers is asked for a digit (module.screened), or hears a prompt before it is
 * bridged. */
uint32_t dial_screen_ms(const struct call *c, uint8_t leg);
bool dial_screened(struct call_host *h, struct call *c, uint8_t leg, char key);
void dial_screen_overdue(struct call_host *h, struct call *c);
void dial_announce(struct call_host *h, struct call *c);
/* module.outside */
enum refusal dial_outside(struct call_host *h, struct call *c, struct leg *l,
			  struct call_refusal *refusal);
/* At the end of each step. */
void dial_settle(struct call_host *h, struct call *c);
/* The caller is bridged. Returns false if the flow is over. */
bool dial_answered(const struct call_host *h, struct call *c);
/* They have; also where the call ends. */
void dial_spoke(const struct call_host *h, const struct call *c);
/* So long they may. */
void dial_limit_over(struct call_host *h, struct call *c);
/* What was asked for the order of a list is known, or is not waited for any more. */
void dial_replied(struct call_host *h, struct call *c, const struct reply *reply);
void dial_kept_overdue(struct call_host *h, struct call *c);
/* The flow goes on behind that conversation. */
bool dial_goes_on(const struct call *c);
/* The number of the flow is the call's again. */
void flow_called_back(struct call *c);
/* The callee of the dial has left. Returns true if its caller is in the flow again. */
bool dial_parted(struct call_host *h, struct call *c, uint8_t leg, const struct call_ending *e);

/* ---- turn.c ---- */
/* How the flow ends its call: a caller that was never answered gets the reason of the last dial, as
 * the record does. */
struct call_ending flow_ending(const struct call *c);
/* Its program is not needed. */
void run_let_go(const struct call_host *h, struct flow_run *r);
/* NULL: it is not in memory, and is asked for. */
const struct flow_program *run_program(struct call_host *h, struct call *c);
/* What is asked comes too late. */
void run_ask_drop(struct flow_run *r);
/* The caller is taken elsewhere. */
void run_over(const struct call_host *h, struct call *c);
/* The flow is over, and ends its call. */
void run_end_call(struct call_host *h, struct call *c, enum call_cause cause, uint16_t status);
/* It cannot go on: logged, and the call ends. */
void run_lost(struct call_host *h, struct call *c, const char *why);
/* The web server of a verb list failed and the list has no next verb: the step that was given the
 * list decides. Returns false if the program is no such list. */
bool run_back_to_asker(const struct call_host *h, struct flow_run *r, const struct flow_program *p,
		       const struct flow_step *step);
/* The position is saved, and in its program. */
void run_start(struct call_host *h, struct call *c);
/* The verb at the position is the next one to begin. */
void run_is_ready(struct call *c);
/* Likewise, when that is saved. */
void run_ready(struct call_host *h, struct call *c);
/* enters: its first verb is next; NULL: the verb behind the ended one. */
void run_next(struct call_host *h, struct call *c, const struct flow_program *enters);
/* While a verb has ended: the next one. */
void run_go_on(struct call_host *h, struct call *c);
/* The call ends: what its caller has confirmed by a key is sent (message_forward_last). */
void run_sends(struct call_host *h, struct call *c);
/* If refused, the call stays in its present flow. visit: number of verbs begun before. A mailbox
 * may follow FLOW_BOX in the name; it becomes the variable box. NAME=VALUE may follow that, each
 * behind one more FLOW_BOX. */
enum refusal flow_run_new(struct call_host *h, struct call *c, const struct flow_program *p,
			  struct bytes name, uint16_t visit);

/* ---- flow.c ---- */
/* Cancels the branches that ring. */
void flow_leave_rung(struct call_host *h, struct call *c);
/* Likewise, and the call is in the flow alone again. */
void flow_back(struct call_host *h, struct call *c);

/* A caller in a queue, as a flow has him (sig/host/host.h): the verb queue. He has his place in the
 * line from the save on that has it (flow_run.queue), until an agent has him or he leaves. */
struct queueing_service {
	/* The verb; also where agents were rung in vain, or are to be rung now. */
	int (*begin)(struct flow_turn_of *t);
	/* He waits: VERB_BEGUN, VERB_AGAIN (agents are reserved, and ring), or an outcome. */
	int (*look)(struct call_host *h, struct call *c);
	/* His time is over. */
	int (*overdue)(struct call_host *h, struct call *c);
	/* flow_run.queue_ns is past. */
	void (*wait_due)(struct call_host *h, struct call *c);
	/* The store says whether an agent is his. */
	void (*replied)(struct call_host *h, struct call *c, const struct reply *reply);
	/* At the end of each step: an agent has answered, or is through with him; the line has
	 * him. */
	void (*settle)(struct call_host *h, struct call *c);
	/* The call ends, or something else takes the caller. */
	void (*over)(struct call_host *h, struct call *c, const char *why);
	/* This process has the call no longer. */
	void (*released)(struct call_host *h, const struct call *c);
};

#endif
