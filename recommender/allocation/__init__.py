"""Who on a waiting list should see whom: an exact assignment under places, limits and a floor."""
