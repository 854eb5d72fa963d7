//! What the view says of a plan, against the plan.
