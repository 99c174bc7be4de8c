# cell
%matplotlib inline
!pip install torch matplotlib
import matplotlib.pyplot as plt
import torch

# cell
df = pandas.read_csv("my_ratings.csv")   # was never imported, and the file is on another machine

# cell
def sgd_factorise(A, rank, num_epochs=1000, lr=0.01):
    U, V = torch.rand(A.shape[0], rank), torch.rand(A.shape[1], rank)
    for _ in range(num_epochs):
        for r in range(A.shape[0]):
            for c in range(A.shape[1]):
                e = A[r][c] - U[r].dot(V[c])
                U[r] += lr * e * V[c]
                V[c] += lr * e * U[r]
    return U, V

# cell
losses = []
for epochs in (1, 10, 100):
    U, V = sgd_factorise(torch.rand(3, 3), 2, num_epochs=epochs)
    losses.append(epochs)
plt.plot(losses)
plt.show()

# cell
def truncated_svd(A, rank):
    U, S, Vh = torch.linalg.svd(A, full_matrices=False)
    return U[:, :rank] @ torch.diag(S[:rank]) @ Vh[:rank, :]

def reconstruction_loss(A, R):
    return torch.norm(A - R) ** 2

# cell
def sgd_factorise_masked(A, M, rank, num_epochs=1000, lr=0.01):
    U, V = torch.rand(A.shape[0], rank), torch.rand(A.shape[1], rank)
    for _ in range(num_epochs):
        for r in range(A.shape[0]):
            for c in range(A.shape[1]):
                if M[r][c]:
                    e = A[r][c] - U[r].dot(V[c])
                    U[r] += lr * e * V[c]
                    V[c] += lr * e * U[r]
    return U, V

# cell
assert False, "left over from debugging"
