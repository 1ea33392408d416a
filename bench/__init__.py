"""Speed, as ratios against named baselines that are measured in the same run, the two sides in alternation."""
