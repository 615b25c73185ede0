"""Foreign recordings as they lie on disk, read: Empatica E4, CNAP stick, WFDB, EDF, surgery npz."""
