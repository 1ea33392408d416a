"""The contract for machines: an ODRL 2.2 policy in JSON-LD (W3C Recommendations `odrl-model`, `odrl-vocab`, 2018-02-15).

An active contract is an Agreement; what lies on the table before is an Offer, each version under its own address.
Terms of the ODRL namespace are used in their own sense or not at all:

    permission    use, for the purpose, by whom, where, when, in which release; processing, supply and transfer
    its duties    compensate, once for each rate; obtainConsent, attribute, inform where the clause asks for it
    prohibition   what is not allowed; it prevails (`conflict`), since ODRL voids a policy that contradicts itself
    obligation    delete in time, inform of the use, hand the data over, stay exclusive

Training of AI, competing use, security, warranty, liability, audit, secrecy, interest, netting and court have no word
there. So every variable and every figure of the price stands besides in a vocabulary of this exchange, one property
each under the address of the template (the policy's `profile`), and in words in the description.

Every rule names its own parties and assets, as an atomic policy does. What stands above all rules holds for each of
them (2.7.1 of the model), so the parties are assigner and assignee there only where no rule turns them around.
"""

from contracts.documents.odrl.policy import odrl

__all__ = ["odrl"]
