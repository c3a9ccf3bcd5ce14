"""kopf: wake-ups and the life of an object; the only importer of kopf. No decisions here."""
