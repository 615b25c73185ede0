"""From a trained mixture to a bundle small enough for the edge: prune, slim, distil, quantise, judge."""
