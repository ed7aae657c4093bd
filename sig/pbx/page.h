/* SPDX-License-Identifier: Apache-2.0 */
/* A paging group: its caller speaks to all its members at once, and hears nobody. Its flow brings
 * the caller, as host, into a room of the group's own. When he is in, the node rings the members
 * (page.ring, app/feature/page). Their phones answer by themselves, and they come in muted. When he
 * leaves, the room ends. Or he has recorded a message before, which is played to them (page.play),
 * whether he stays or not. */
#ifndef SIG_PBX_PAGE_H
#define SIG_PBX_PAGE_H

#define PAGE_WORD "page:" /* in front of its name, where a number could stand, and of its room */
/* Variable of its flow: what the caller has recorded, if the group plays messages. */
#define PAGE_RECORDING "page_message"

#endif
