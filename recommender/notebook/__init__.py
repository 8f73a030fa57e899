"""What `import recommender` offers to notebooks and scripts: DataFrames in, DataFrames out."""
