"""How often each answer is given, and how often none is: invented, plausible for one city."""

MAIN = {
    "anxiety": 26,
    "depression": 19,
    "trauma": 12,
    "relationships": 9,
    "grief": 5,
    "stress_burnout": 9,
    "ocd": 4,
    "eating": 3,
    "substance_use": 3,
    "adhd_autism": 5,
    "pain_sleep": 3,
    "personality": 2,
}

WANTED = {
    "cbt": 0.30,
    "act": 0.16,
    "emdr": 0.14,
    "schema": 0.10,
    "dbt": 0.07,
    "psychodynamic": 0.10,
    "interpersonal": 0.05,
    "emotion_focused": 0.08,
    "mindfulness": 0.15,
    "family_systems": 0.05,
}

LANGUAGES_WISHED = {
    "mandarin": 20,
    "cantonese": 12,
    "arabic": 18,
    "vietnamese": 12,
    "greek": 6,
    "italian": 6,
    "hindi": 9,
    "spanish": 7,
    "korean": 7,
    "auslan": 3,
}

COMMUNITIES = {
    "first_nations": 8,
    "migrant_refugee": 14,
    "east_asian": 12,
    "south_asian": 10,
    "middle_eastern": 10,
    "faith_sensitive": 12,
    "lgbtqia_affirming": 18,
    "neurodiversity_affirming": 12,
    "veterans": 4,
}

ACCESS_NEEDS = {
    "wheelchair": 0.03,
    "hearing_loop": 0.01,
    "low_sensory": 0.05,
    "parking": 0.08,
    "public_transport": 0.10,
    "assistance_animal": 0.01,
}

LEFT_EMPTY_BY_CLIENTS = {
    "main_concern": 0.03,
    "concern_duration": 0.08,
    "phq9": 0.12,
    "gad7": 0.12,
    "k10": 0.07,
    "expectancy": 0.10,
    "social_support": 0.12,
    "prior_therapy": 0.06,
    "homework_wish": 0.10,
    "session_minutes": 0.15,
    "risk_level": 0.02,
    "collection_mode": 0.05,
    "home": 0.04,
    "hours_free": 0.06,
    "after_hours_needed": 0.05,
    "max_wait_days": 0.45,
    "sessions_wished": 0.30,
    "max_fee": 0.65,
    "max_gap": 0.70,
    "max_km": 0.50,
    "access_needs": 0.05,
    "gender": 0.03,
    "first_nations": 0.12,
    "cultural_background": 0.10,
    "faith": 0.30,
    "sexual_orientation": 0.25,
    "disability": 0.10,
}

CONFIDENT = {
    "anxiety": 0.75,
    "depression": 0.70,
    "trauma": 0.45,
    "relationships": 0.45,
    "grief": 0.40,
    "stress_burnout": 0.50,
    "ocd": 0.25,
    "eating": 0.18,
    "substance_use": 0.22,
    "adhd_autism": 0.25,
    "pain_sleep": 0.25,
    "personality": 0.22,
}

OFFERED = {
    "cbt": 0.75,
    "act": 0.50,
    "emdr": 0.28,
    "schema": 0.30,
    "dbt": 0.25,
    "psychodynamic": 0.25,
    "interpersonal": 0.22,
    "emotion_focused": 0.25,
    "mindfulness": 0.40,
    "family_systems": 0.15,
}

LANGUAGES_SPOKEN = {
    "mandarin": 0.09,
    "cantonese": 0.06,
    "arabic": 0.07,
    "vietnamese": 0.05,
    "greek": 0.05,
    "italian": 0.05,
    "hindi": 0.06,
    "spanish": 0.05,
    "korean": 0.03,
    "auslan": 0.02,
}

EXPERIENCE = {
    "first_nations": 0.12,
    "migrant_refugee": 0.20,
    "east_asian": 0.15,
    "south_asian": 0.12,
    "middle_eastern": 0.10,
    "faith_sensitive": 0.20,
    "lgbtqia_affirming": 0.40,
    "neurodiversity_affirming": 0.30,
    "veterans": 0.12,
}

LEFT_EMPTY_BY_CLINICIANS = {
    "style_directiveness": 0.06,
    "style_emotion": 0.06,
    "style_past": 0.06,
    "style_support": 0.06,
    "homework_use": 0.05,
    "cultural_experience": 0.10,
    "gender": 0.02,
    "accessibility": 0.04,
    "reports": 0.05,
    "concerns_not_treated": 0.10,
    "max_sessions": 0.70,
    "caseload": 0.03,
}
